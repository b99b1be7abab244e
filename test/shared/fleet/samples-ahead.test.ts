/** Tests when a member is sent samples that it was not asked to use yet. */
import { describe, expect, it } from 'vitest';
import { rootShard } from '../../../shared/pool/tree.js';
import type { Task } from '../../../shared/work/task.js';
import { TestFleet, type TestWorker } from './fixture.js';

describe('samples of the next step', () => {
  const next: Task = { work: 'gradient', step: 1, epoch: 0, stepInEpoch: 1 };
  const ahead = (worker: TestWorker, shards = [rootShard(8)]) => {
    worker.received.length = 0;
    worker.member.transport.sendAhead([{ task: next, shards }]);
    return worker.received.flatMap((message) => (message.type === 'ping' ? [message.id] : []));
  };

  it('are sent when the member has what was sent before them', () => {
    const site = new TestFleet();
    const worker = site.join('a');
    site.begin();
    const [id] = ahead(worker);
    expect(worker.types()).toEqual(['ping']);
    worker.send({ type: 'pong', id: id - 1 });
    expect(worker.types()).toEqual(['ping']);
    worker.send({ type: 'pong', id });
    expect(worker.types()).toEqual(['ping', 'samples']);
    // Once is enough.
    worker.send({ type: 'pong', id });
    expect(worker.types()).toEqual(['ping', 'samples']);
  });

  it('are sent with the shard if that comes first', () => {
    const site = new TestFleet();
    const worker = site.join('a');
    site.begin();
    const [id] = ahead(worker);
    worker.answer();
    for (const { step } of worker.held) expect(step).toBe(0);
    site.begin();
    const types = worker.types();
    worker.send({ type: 'pong', id });
    expect(worker.types()).toEqual(types);
  });

  it('are not asked about once the member has all samples of its slots', () => {
    const site = new TestFleet();
    const worker = site.join('a');
    const { stepsPerEpoch } = site.machine.orders.train;
    for (let stepInEpoch = 0; stepInEpoch < stepsPerEpoch; stepInEpoch++) {
      const task = { ...next, stepInEpoch };
      worker.member.transport.sendAhead([{ task, shards: [rootShard(8)] }]);
      const ping = worker.received.at(-1);
      if (ping?.type === 'ping') worker.send({ type: 'pong', id: ping.id });
    }
    expect(worker.types().filter((type) => type === 'samples')).toHaveLength(stepsPerEpoch);
    expect(ahead(worker)).toEqual([]);
  });
});
