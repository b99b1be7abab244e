/** Checks that `lockstep conform` accepts our own worker, and says what is wrong with a broken one. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { conform } from '../../../coordinator/conform/conform.js';
import { waits } from '../../../coordinator/conform/conversation.js';
import { altered, mistakes } from '../../../coordinator/conform/mistakes.js';
import { Oracle } from '../../../coordinator/conform/oracle.js';
import { Interruption } from '../../../coordinator/conform/peer.js';
import { LineReport } from '../../../coordinator/conform/report.js';
import { trials } from '../../../coordinator/conform/trials.js';
import { memoryStart } from '../../../shared/arithmetic/backend.js';
import { hashOf } from '../../../shared/arithmetic/identity.js';
import { knownAnswer, knownAnswerBytes } from '../../../shared/arithmetic/known-answer.js';
import type { ShardLease } from '../../../shared/protocol/messages.js';
import { type Faults, FaultyWorker, rightAnswer } from './worker.js';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** What the tool says of a worker with these faults. */
async function said(faults: Faults, some = trials): Promise<{ text: string; failures: number }> {
  const lines: string[] = [];
  const report = new LineReport((line) => lines.push(line));
  let worker: FaultyWorker | null = null;
  const door = {
    next: async () => {
      if (worker !== null && (worker.isOver || faults.comesBack === false)) throw new Interruption('none came');
      worker = new FaultyWorker(faults);
      return worker.peer;
    },
  };
  await conform(door, report, { knownAnswer: rightAnswer, sha256, waits, connectMs: 1, trials: some });
  return { text: lines.join('\n'), failures: report.failures };
}

const [first] = trials;
const last = { ...first, ending: 'over' as const };
const provoked = { ...first, ending: 'provoked' as const };
const wrong = (check: string, what: string) => new RegExp(`WRONG +${check}: ${what}`);

/** A sum with a wrong loss: the losses of all samples, added one after the other. */
function lossesInARow(worker: FaultyWorker, shard: ShardLease, right: Float32Array): Float32Array {
  const { run, order, weights } = worker.computes;
  const single = new Oracle({ ...run, batch: 0, microBatch: 1 });
  single.store('train', worker.samples);
  single.setWeights(weights);
  let total = 0;
  for (let slot = shard.lo; slot < Math.min(shard.lo + shard.size, order.slotsIn(shard.stepInEpoch)); slot++) {
    for (const id of order.slotIds(shard.epoch, shard.stepInEpoch, slot)) {
      const at = Array.from({ length: run.train }, (_, i) => single.order.slotIds(0, 0, i)[0]).indexOf(id);
      total = Math.fround(total + single.gradient({ epoch: 0, stepInEpoch: 0 }, { lo: at, size: 1 }).at(-2)!);
    }
  }
  right[right.length - 2] = total;
  return right;
}

function slotsInARow(worker: FaultyWorker, shard: ShardLease): Float32Array {
  return worker.slots(shard).reduce((sum, slot) => sum.map((x, i) => Math.fround(x + slot[i])));
}

describe('a worker that computes as the page says', () => {
  it('conforms', async () => {
    const { text, failures } = await said({});
    expect(text).not.toContain('WRONG');
    expect(failures).toBe(0);
    expect(text.match(/^ {2}ok /gm)?.length).toBeGreaterThan(25);
  });
});

describe('a worker that computes something else', () => {
  it.each(Object.values(mistakes))('is told: $sentence', async ({ sentence, backend }) => {
    const { text, failures } = await said({ backend }, [first]);
    expect(text).toMatch(
      wrong(String.raw`(one slot \(E2\)|a shard of 6 slots \(E3\))`, String.raw`layers\.\d\.\w+\[\d+`),
    );
    expect(text).toContain(sentence);
    expect(failures).toBeGreaterThan(0);
  });

  it('is told where and by how much, if nobody knows the mistake', async () => {
    const sum = (_: FaultyWorker, shard: ShardLease, right: Float32Array) => {
      if (shard.size === 8) right[17 * 5 + 3] += 2 ** -20;
      return right;
    };
    const { text, failures } = await said({ sum }, [first]);
    expect(text).toMatch(
      /WRONG {2}a shard of 6 slots \(E3\): layers\.0\.weight\[5, 3\] \(float 88 of 2645\): wanted [0-9a-f]{8} \(\S+\), got [0-9a-f]{8} \(\S+\), \d+ ulp off; 1 of 2647 numbers differ/,
    );
    expect(text).not.toContain('known mistake');
    expect(failures).toBe(1);
  });

  it('is told of losses that are not added along the tree', async () => {
    const { text } = await said({ sum: lossesInARow }, [first]);
    expect(text).toMatch(wrong(String.raw`a shard of 6 slots \(E3\)`, 'the loss sum'));
    expect(text).toContain('It adds the losses of the shard sample by sample');
  });

  it('is told of slots that are not added along the tree', async () => {
    const { text } = await said({ sum: slotsInARow }, [first]);
    expect(text).not.toMatch(wrong(String.raw`one slot \(E2\)`, ''));
    expect(text).toMatch(wrong(String.raw`a shard of 6 slots \(E3\)`, 'layers'));
    expect(text).toContain('It adds the slots one after the other');
  });

  it('is told of weights that are those of the step before', async () => {
    const { text } = await said({ ignoresChanges: true }, [first]);
    expect(text).toMatch(wrong('changed weights, sent as a difference', 'layers'));
    expect(text).toContain('It uses the weights of the step before.');
  });

  it('is told of an order that is that of the epoch before', async () => {
    const sum = ({ computes }: FaultyWorker, { epoch, ...shard }: ShardLease) =>
      computes.gradient({ ...shard, epoch: Math.max(0, epoch - 1) }, shard);
    const { text } = await said({ sum }, [first]);
    expect(text).not.toMatch(wrong('changed weights', ''));
    expect(text).toMatch(wrong(String.raw`the last step of the next epoch \(E1\)`, 'layers'));
    expect(text).toContain('It uses the order of the epoch before');
  });

  it('is told of samples that it should have distorted', async () => {
    const sum = ({ computes, samples }: FaultyWorker, shard: ShardLease) => {
      const { augment: _, ...run } = computes.run;
      const plain = new Oracle(run);
      plain.store('train', samples);
      plain.setWeights(computes.weights);
      return plain.gradient(shard, shard);
    };
    const { text } = await said({ sum }, [{ ...trials[2], ending: 'over' }]);
    expect(text).toMatch(wrong(String.raw`one slot \(E2\)`, 'layers'));
    expect(text).toContain('It does not distort its samples');
  });

  it('is told of targets that are not smoothed', async () => {
    const { text } = await said({ ignoresSmoothing: true }, [first]);
    expect(text).toMatch(wrong(String.raw`one slot \(E2\)`, 'layers'));
    expect(text).toContain('It does not smooth the targets');
  });

  it.each<[string, Faults, string]>([
    ['a schedule', { otherRounds: { schedule: undefined } }, 'It takes the rate of the optimizer in every round'],
    ['clipping', { otherRounds: { clip: undefined } }, 'It does not clip the gradients of its local steps'],
  ])('is told of local steps without %s', async (_, faults, sentence) => {
    const { text } = await said(faults, [trials[4]]);
    expect(text).toMatch(wrong('.*', 'layers'));
    expect(text).toContain(sentence);
  });

  it('is told of slots that it should have quantised', async () => {
    const sum = ({ computes, samples }: FaultyWorker, shard: ShardLease) => {
      const plain = new Oracle({ ...computes.run, wireBits: 32 });
      plain.store('train', samples);
      plain.setWeights(computes.weights);
      return plain.gradient(shard, shard);
    };
    const { text } = await said({ sum }, [{ ...trials[1], ending: 'over' }]);
    expect(text).toMatch(wrong(String.raw`a shard of 9 slots \(E3\)`, 'layers'));
    expect(text).toContain('It does not quantise the result of each slot');
  });

  it('is told of blocks that it cleared', async () => {
    const { text } = await said({ clearsLeftOut: true }, [first]);
    expect(text).toMatch(wrong('changed weights, sent as a difference', ''));
  });

  it('is told of a wrong prediction', async () => {
    const predictions = (right: Uint8Array) =>
      right.map((predicted, i) => (i === 70 ? (predicted + 1) % 10 : predicted));
    const { text, failures } = await said({ predictions }, [first]);
    expect(text).toMatch(wrong('an evaluation of 150 samples', 'the predicted class of test sample 70'));
    expect(failures).toBe(1);
  });

  it('is told that its known answer is wrong, and is checked all the same', async () => {
    const { text, failures } = await said({ knownAnswer: 'cd'.repeat(32) }, [first]);
    expect(text).toMatch(wrong(String.raw`the known answer \(E6\)`, 'wanted abab.*, got cdcd'));
    expect(failures).toBe(1);
    expect(text).toContain('ok     a shard of 6 slots');
  });

  it('is told that its arithmetic has another name', async () => {
    const { text, failures } = await said({ arithmetic: 'lockstep-arithmetic-0' }, [first]);
    expect(text).toMatch(
      wrong('the name of the arithmetic', 'wanted "lockstep-arithmetic-3", got "lockstep-arithmetic-0"'),
    );
    expect(failures).toBe(1);
  });

  it('is told which mistake its known answer has, and in which stages', async () => {
    const { backend, sentence } = mistakes.by256;
    const memory = backend.createMemory(memoryStart + knownAnswerBytes(backend.sizes), false);
    const { text } = await said({ knownAnswer: hashOf(knownAnswer(memory, backend.sizes), sha256) }, [first]);
    expect(text).toContain(`${sentence} Wrong are the stages: first layers.`);
  });

  it('is told of a gradient that is divided by the samples of its slot', async () => {
    const backend = altered(({ kernels, buffer }) => ({
      outputLoss: (...operands) => {
        kernels.outputLoss(...operands);
        const [, , , , delta, , rows, classes] = operands;
        const deltas = new Float32Array(buffer, delta, rows * classes);
        for (let i = 0; i < deltas.length; i++) deltas[i] = Math.fround(deltas[i] / rows);
      },
    }));
    expect((await said({ backend }, [first])).text).toMatch(wrong(String.raw`one slot \(E2\)`, String.raw`layers\.0`));
  });
});

describe('a worker that does not keep to the protocol', () => {
  it.each<[string, Faults, RegExp]>([
    ['never says it is ready', { ignores: 'welcome' }, /waited 60 s for `ready`, and heard nothing/],
    ['never answers a shard', { ignores: 'shard' }, /waited 30 s for the answer to one slot \(E2\), and heard nothing/],
    ['answers no ping', { ignores: 'ping' }, /waited 10 s for a pong of id 70001, behind three shards/],
    ['answers a ping with another id', { pongId: 5 }, /waited 10 s for a pong of id 70001/],
    ['does not close', { closesNever: true }, /waited 5 s for the connection to be closed/],
  ])('is named: it %s', async (_, faults, sentence) => {
    const { text, failures } = await said(faults, [first]);
    expect(text).toMatch(sentence);
    expect(failures).toBeGreaterThan(0);
  });

  it('is named: it takes an unknown field', async () => {
    const { text, failures } = await said({ ignoresUnknownFields: true }, [provoked]);
    expect(text).toMatch(/waited 5 s for a refusal of a ping with an unknown field/);
    expect(failures).toBe(1);
  });

  it('is named: it comes back when it is told to stay away', async () => {
    const { text, failures } = await said({ comesBackAlways: true }, [last]);
    expect(text).toMatch(wrong('stays away when it is told so', 'it connected again'));
    expect(failures).toBe(1);
  });

  it('is named: it sends parts out of order', async () => {
    const { text } = await said({ partsBackwards: true }, [trials[3]]);
    expect(text).toMatch(/one slot \(E2\): part 1 of the gradient came where part 0 should come/);
  });

  it('is named: it does not come back', async () => {
    const { text, failures } = await said({ comesBack: false }, trials.slice(0, 2));
    expect(text).toMatch(wrong('comes back', 'none came'));
    expect(failures).toBe(1);
  });
});
