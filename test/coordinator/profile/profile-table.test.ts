import { expect, test } from 'vitest';
import { type ProfileFile, profileTable } from '../../../coordinator/profile/profile-table.js';

test('a profile as a table: every phase, what it is, its time and its share', () => {
  const idle = { watch: 0, sum: 0, check: 0, encode: 0, send: 0, receive: 0, record: 0 };
  const profile: ProfileFile = {
    steps: 3,
    workers: 2,
    microsecondsPerStep: { ...idle, compute: 150, update: 25, rest: 25 },
    longestBlock: { ms: 9, gcMs: 0, coreWaitMs: 8, processorMs: 2 },
    longestOnCore: { ms: 4, gcMs: 1, coreWaitMs: null, processorMs: 3 },
  };
  const lines = profileTable(profile).split('\n');
  expect(lines).toContain('| compute | forward and backward passes on this thread | 150.0 | 75.0 % |');
  expect(lines).toContain('| rest | the event loop, and waiting | 25.0 | 12.5 % |');
  expect(lines).toContain('| all | mean of 3 steps, 2 workers | 200.0 | 100.0 % |');
  expect(lines.filter((line) => line.startsWith('|'))).toHaveLength(2 + 10 + 1);
  expect(lines.at(-3)).toBe(
    'Longest block of the event loop: 9.0 ms, of which 0.0 ms collecting garbage, 8.0 ms waiting for a core; 2.0 ms of processor time.',
  );
  expect(lines.at(-2)).toContain('3.0 ms: 4.0 ms, of which 1.0 ms collecting garbage; 3.0 ms of processor time.');
});
