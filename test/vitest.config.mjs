import { defineConfig } from 'vitest/config';

/**
 * Tests are compiled together with the program (`tsc -b`) and run as JavaScript, so they test the code that users run.
 * The time limit is for tests that hang. It is so long that no test fails because a machine is slow.
 */
export default defineConfig({
  test: { include: ['dist/test/**/*.test.js'], testTimeout: 120_000, hookTimeout: 120_000 },
});
