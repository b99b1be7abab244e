import { defineConfig } from 'vitest/config';

/**
 * Tests are compiled with the rest (`tsc -b`) and run as JavaScript, so that what is tested is what runs. The time limit
 * is there for a test that hangs: none may fail because a machine is slow.
 */
export default defineConfig({
  test: { include: ['dist/test/**/*.test.js'], testTimeout: 120_000, hookTimeout: 120_000 },
});
