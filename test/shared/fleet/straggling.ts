/** Steps of a fleet without sockets, and one in which a worker is late. */
import { expect } from 'vitest';
import { TestFleet, type TestWorker } from './fixture.js';

/** Two workers that are measured, and a shard of the second one that the first is given as well. */
export function straggling() {
  const site = new TestFleet();
  const [fast, slow] = [site.join('fast'), site.join('slow')];
  for (let i = 0; i < 4; i++) step(site, [fast, slow]);
  site.begin();
  site.pass(20, [fast, slow]);
  while (fast.computed.length > 0) fast.answer();
  site.pass(400, [fast, slow]);
  expect(fast.computed[0].shard.lo).toBe(slow.computed[0].shard.lo);
  return { site, fast, slow };
}

export function step(site: TestFleet, workers: readonly TestWorker[], own?: { answerAll(): void }): void {
  site.begin();
  site.pass(20, workers);
  own?.answerAll();
  for (const worker of workers) while (worker.computed.length > 0) worker.answer();
}
