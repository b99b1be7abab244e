import { expect, test } from 'vitest';
import { Random } from '../../shared/random.js';
import { type Fault, schedule, workersMax } from './schedule.js';

function first(count: number, seed: number): Fault[] {
  const faults = schedule(new Random(seed));
  return Array.from({ length: count }, () => faults.next().value);
}

test('a seed is a schedule', () => {
  expect(first(200, 5)).toEqual(first(200, 5));
  expect(first(200, 5)).not.toEqual(first(200, 6));
});

test('nothing happens to whom it cannot happen, and everything happens', () => {
  const workers = new Map<number, 'running' | 'stopped'>();
  let coordinator = 'running';
  const kinds = new Set<string>();
  for (const { kind, worker, afterMs } of first(2000, 1)) {
    kinds.add(kind);
    expect(afterMs).toBeGreaterThan(0);
    const [who, what] = kind.split(' ');
    if (who === 'coordinator') {
      const before = {
        stopped: ['running'],
        continued: ['stopped'],
        killed: ['running', 'stopped'],
        resumed: ['killed'],
      };
      expect(before[what as keyof typeof before]).toContain(coordinator);
      coordinator = what === 'continued' || what === 'resumed' ? 'running' : what;
      continue;
    }
    const state = workers.get(worker) ?? 'none';
    const before = {
      started: ['none'],
      killed: ['running', 'stopped'],
      interrupted: ['running'],
      stopped: ['running'],
      continued: ['stopped'],
    };
    expect(before[what as keyof typeof before]).toContain(state);
    if (what === 'killed' || what === 'interrupted') workers.delete(worker);
    else workers.set(worker, what === 'stopped' ? 'stopped' : 'running');
    expect(workers.size).toBeLessThanOrEqual(workersMax);
  }
  expect(kinds.size).toBe(9);
});
