import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // The pages are served from wherever `memlyze serve` mounts them, and open from disk too.
  base: "./",
  plugins: [react()],
  build: {
    outDir: "../memlyze/web/static",
    emptyOutDir: true,
    // Fonts stay files: the page's security policy allows none within style sheets.
    assetsInlineLimit: 0,
    // A source map in the wheel would outweigh the page.
    sourcemap: false,
  },
  test: {
    environment: "node",
    include: ["src/**/*.test.ts"],
  },
});
