import { defineConfig } from 'vitest/config';

/** Tests are compiled with the rest (`tsc -b`) and run as JavaScript, so that what is tested is what runs. */
export default defineConfig({ test: { include: ['dist/test/**/*.test.js'] } });
