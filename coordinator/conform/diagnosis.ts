/** Finds the well-known mistake that explains a wrong answer: the mistake that gives exactly the same bits. */
import { type KernelBackend, memoryStart } from '../../shared/arithmetic/backend.js';
import { hashOf, wrongStages } from '../../shared/arithmetic/identity.js';
import { knownAnswer, knownAnswerBytes } from '../../shared/arithmetic/known-answer.js';
import type { LooseSamples } from '../../shared/compute/samples.js';
import type { RunDescription } from '../../shared/compute/workspace.js';
import { type Shard, shardEnd } from '../../shared/pool/tree.js';
import { difference } from './difference.js';
import { mistakes } from './mistakes.js';
import { Oracle, type StepPlace } from './oracle.js';

/** Everything that determines the answer to a shard of a step. */
export interface Question {
  readonly run: RunDescription;
  readonly train: LooseSamples;
  readonly weights: Float32Array;
  /** The weights that the worker held before these. Null if these are its first weights. */
  readonly weightsBefore: Float32Array | null;
  readonly place: StepPlace;
  readonly shard: Shard;
}

/** Returns a sentence that says what the worker does and what it should do, or null if no mistake gives these bits. */
export function diagnosis(question: Question, got: Float32Array): string | null {
  for (const { sentence, answer } of suspects(question)) {
    const sum = answer();
    if (sum !== null && difference(question.run.model, sum, got) === null) return sentence;
  }
  return null;
}

/**
 * Finds the mistake that gives this known answer. Returns a sentence with the stages that it makes wrong, or null if no
 * mistake gives it. This takes about a second for each mistake. `sha256` returns lowercase hex.
 */
export function knownAnswerDiagnosis(got: string, sha256: (bytes: Uint8Array) => string): string | null {
  for (const { sentence, backend } of Object.values(mistakes)) {
    const memory = backend.createMemory(memoryStart + knownAnswerBytes(backend.sizes), false);
    const answer = knownAnswer(memory, backend.sizes);
    if (hashOf(answer, sha256) !== got) continue;
    return `${sentence} Wrong are the stages: ${wrongStages(answer, sha256).join(', ')}.`;
  }
  return null;
}

interface Suspect {
  readonly sentence: string;
  /** Computes the sum with the mistake. Null if the mistake is impossible for this shard. */
  readonly answer: () => Float32Array | null;
}

function suspects(question: Question): Suspect[] {
  const { run, weightsBefore, place } = question;
  return [
    ...Object.values(mistakes).map(({ sentence, backend }) => ({
      sentence,
      answer: () => answerTo(question, backend),
    })),
    {
      sentence: 'It uses the weights of the step before.',
      answer: () => (weightsBefore === null ? null : answerTo({ ...question, weights: weightsBefore })),
    },
    {
      sentence: 'It uses the order of the epoch before; in each epoch, each slot shuffles its partition anew.',
      answer: () => (place.epoch === 0 ? null : answerTo({ ...question, place: { ...place, epoch: place.epoch - 1 } })),
    },
    {
      sentence: 'It does not distort its samples; `augment` of the welcome says how.',
      answer: () => undistorted(question),
    },
    {
      sentence: 'It does not smooth the targets; `smoothing` of `welcome` says by how much.',
      answer: () => (!run.smoothing ? null : answerTo({ ...question, run: { ...run, smoothing: 0 } })),
    },
    {
      sentence: 'It takes the rate of the optimizer in every round; `schedule` of `rounds` says how the rate changes.',
      answer: () => withoutRule(question, 'schedule'),
    },
    {
      sentence: 'It does not clip the gradients of its local steps; `clip` of `rounds` says how long they may be.',
      answer: () => withoutRule(question, 'clip'),
    },
    {
      sentence: 'It does not quantise the result of each slot; `wireBits` of `welcome` says to how many bits.',
      answer: () => unquantised(question),
    },
    {
      sentence: 'It adds the slots one after the other; they are added along the tree.',
      answer: () => slotAfterSlot(question),
    },
    {
      sentence: 'It adds the losses of the shard sample by sample; loss sums of slots are added along the tree.',
      answer: () => lossesInARow(question),
    },
  ];
}

/** Local steps that ignore one of their rules. */
function withoutRule(question: Question, rule: 'schedule' | 'clip'): Float32Array | null {
  const { rounds, ...run } = question.run;
  if (rounds?.[rule] === undefined) return null;
  return answerTo({ ...question, run: { ...run, rounds: { ...rounds, [rule]: undefined } } });
}

function unquantised(question: Question): Float32Array | null {
  const { wireBits = 32, ...run } = question.run;
  return wireBits === 32 ? null : answerTo({ ...question, run });
}

function undistorted(question: Question): Float32Array | null {
  const { augment, ...run } = question.run;
  return augment === undefined ? null : answerTo({ ...question, run });
}

function answerTo(question: Question, backend?: KernelBackend): Float32Array {
  return oracleOf(question, backend).gradient(question.place, question.shard);
}

function oracleOf({ run, train, weights }: Question, backend?: KernelBackend): Oracle {
  const oracle = new Oracle(run, backend);
  oracle.store('train', train);
  oracle.setWeights(weights);
  return oracle;
}

function slotAfterSlot(question: Question): Float32Array | null {
  const { place, shard } = question;
  const oracle = oracleOf(question);
  const slots = slotsOf(oracle, question).map((lo) => oracle.gradient(place, { lo, size: 1 }));
  if (shard.size === 1) return null;
  return slots.reduce((sum, slot) => sum.map((x, i) => Math.fround(x + slot[i])));
}

/** The right sum, but with the losses of all samples added one after the other. Those of a round have many weights. */
function lossesInARow(question: Question): Float32Array | null {
  if (question.run.rounds !== undefined) return null;
  const { place } = question;
  const sum = answerTo(question);
  const oracle = oracleOf(question);
  const lossOf = lossesOf(question);
  const ids = slotsOf(oracle, question).flatMap((slot) => [
    ...oracle.order.slotIds(place.epoch, place.stepInEpoch, slot),
  ]);
  sum[sum.length - 2] = ids.reduce((total, id) => Math.fround(total + lossOf(id)), 0);
  return sum;
}

/** Returns a function that gives the loss of a sample, computed in a slot that has only this sample. */
function lossesOf(question: Question): (id: number) => number {
  const run = { ...question.run, batch: 0, microBatch: 1 };
  const oracle = oracleOf({ ...question, run });
  const slotOf = new Map(Array.from(question.train.ids, (_, slot) => [oracle.order.slotIds(0, 0, slot)[0], slot]));
  return (id) => {
    const sum = oracle.gradient({ epoch: question.place.epoch, stepInEpoch: 0 }, { lo: slotOf.get(id) ?? 0, size: 1 });
    return sum[sum.length - 2];
  };
}

function slotsOf(oracle: Oracle, { place, shard }: Question): number[] {
  const end = shardEnd(shard, oracle.order.slotsIn(place.stepInEpoch));
  return Array.from({ length: end - shard.lo }, (_, i) => shard.lo + i);
}
