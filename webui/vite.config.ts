import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // The pages are served from wherever `memlyze serve` mounts them, and open from disk too.
  base: "./",
  plugins: [react()],
  build: {
    outDir: "../memlyze/web/static",
    emptyOutDir: true,
    // One small page: a source map in the wheel would outweigh it.
    sourcemap: false,
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
  },
});
