/** The tests in a real browser: `npm run test:browser`. They record traces, serve them, and look at the page. */

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "node",
    include: ["tests/**/*.test.ts"],
    globalSetup: "tests/helpers/globalSetup.ts",
    // One browser and one server for all: two would only take the processor from each other.
    fileParallelism: false,
    expect: { poll: { timeout: 10_000 } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
