import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The processes of the tests, and those that they start, share the native kernels. They are compiled once. */
process.env.LOCKSTEP_CACHE ??= fileURLToPath(new URL('../dist/cache', import.meta.url));

/**
 * Tests are compiled together with the program (`tsc -b`) and run as JavaScript, so they test the code that users run.
 * The time limit is for tests that hang. It is so long that no test fails because a machine is slow.
 */
export default defineConfig({
  test: {
    include: ['dist/test/**/*.test.js'],
    globalSetup: ['dist/test/build-kernels.js'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
