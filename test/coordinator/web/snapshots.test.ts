/** Tests the copies of a live run's weights and predictions. They are made on request, but not too often. */
import { describe, expect, it } from 'vitest';
import { decode } from '../../../coordinator/archive/safetensors.js';
import type { LiveRun } from '../../../coordinator/run/live-run.js';
import { Snapshots } from '../../../coordinator/web/snapshots.js';
import type { EvaluationState } from '../../../coordinator/web/state.js';
import type { Edition } from '../../../coordinator/web/viewed-run.js';
import { limits } from '../../../shared/limits.js';
import { dataset, SmallRun } from '../run/small-run.js';

interface Seen {
  readonly run: LiveRun;
  readonly snapshots: Snapshots;
  readonly clock: { nowMs: number };
}

/** Conducts a small run. Calls `stepped` and `evaluated` between its steps. */
async function during(
  calls: Partial<Record<'stepped' | 'evaluated', (seen: Seen, step: number) => unknown>>,
): Promise<Seen> {
  const small = new SmallRun();
  const clock = { nowMs: 0 };
  const seen: Seen[] = [];
  small.onEvent = (event) => {
    if (event.type === 'loaded') {
      seen.push({ run: event.run, clock, snapshots: new Snapshots(event.run, () => clock.nowMs) });
    }
    if (event.type === 'evaluated') seen[0].snapshots.evaluated('test', event.line.step);
    if (event.type === 'stepped' || event.type === 'evaluated') calls[event.type]?.(seen[0], event.line.step);
  };
  await small.conduct({ lr: 0.5 });
  return seen[0];
}

function present({ machine }: LiveRun): Float32Array {
  return machine.floats(machine.workspace.weights, machine.workspace.parameters).slice();
}

function floatsOf({ bytes }: Edition): Float32Array {
  return new Float32Array(bytes.slice(8).buffer);
}

describe('copies of the weights', () => {
  it('are made no more often than the limit, however fast the run is and however many ask', async () => {
    const asked: [step: number, edition: Edition][] = [];
    await during({
      stepped: ({ snapshots, clock }, step) => {
        // One step takes a third of the minimum time between two copies.
        clock.nowMs = (step * limits.weightsCopyMsMin) / 3;
        const edition = snapshots.weights();
        expect(snapshots.weights()).toBe(edition);
        asked.push([step, edition]);
      },
    });
    expect(asked.map(([step, { step: copied }]) => [step, copied])).toEqual([
      ...[1, 2, 3].map((step) => [step, 1]),
      ...[4, 5, 6].map((step) => [step, 4]),
      ...[7, 8, 9].map((step) => [step, 7]),
      [10, 10],
    ]);
    expect(new Set(asked.map(([, edition]) => edition)).size).toBe(4);
  });

  it('are the weights of the step that they name, and stay so while training goes on', async () => {
    const copies: [Edition, Float32Array][] = [];
    const { snapshots, clock } = await during({
      stepped: ({ run, snapshots, clock }) => {
        clock.nowMs += limits.weightsCopyMsMin;
        copies.push([snapshots.weights(), present(run)]);
      },
    });
    expect(copies).toHaveLength(10);
    for (const [i, [edition, weights]] of copies.entries()) {
      expect(floatsOf(edition)).toEqual(weights);
      expect([...new Uint32Array(edition.bytes.slice(0, 8).buffer)]).toEqual([i + 1, weights.length]);
    }
    expect(new Set(copies.map(([{ etag }]) => etag)).size).toBe(10);
    clock.nowMs += 10 * limits.weightsCopyMsMin;
    expect(snapshots.weights()).toBe(copies[9][0]);
  });

  it('are the same file under the same name, whichever process makes it', async () => {
    const [a, b] = [await during({}), await during({})];
    const [one, other] = [await a.snapshots.model(), await b.snapshots.model()];
    expect(one).toEqual(other);
    expect(one.etag).not.toBe(a.snapshots.weights().etag);
    const { tensors } = decode(one.bytes);
    expect(tensors.flatMap(({ values }) => [...values])).toEqual([...present(a.run)]);
  });
});

describe('what an evaluation found', () => {
  const parsed = (edition: Edition | null): EvaluationState => JSON.parse(Buffer.from(edition!.bytes).toString());

  it('is there from the first evaluation on, and is that of the newest one, made once', async () => {
    const found: [before: Edition | null, after: Edition | null][] = [];
    let before: Edition | null = null;
    const { snapshots } = await during({
      stepped: ({ snapshots }) => {
        before = snapshots.evaluation();
      },
      evaluated: ({ snapshots }) => {
        found.push([before, snapshots.evaluation()]);
        expect(snapshots.evaluation()).toBe(found.at(-1)?.[1]);
      },
    });
    expect(found.map(([before, after]) => [before?.step, after?.step])).toEqual([
      [undefined, 5],
      [5, 10],
    ]);
    expect(snapshots.evaluatedStep).toBe(10);
  });

  it('does not change when the next evaluation is made', async () => {
    const asked: (Edition | null)[] = [];
    await during({ evaluated: ({ snapshots }, step) => step === 5 && asked.push(snapshots.evaluation()) });
    // At this time, the predictions of step 10 are in the machine's memory.
    await during({ stepped: ({ snapshots }, step) => step === 10 && asked.push(snapshots.evaluation()) });
    expect(asked.map((edition) => edition?.step)).toEqual([5, 5]);
    expect(asked[1]).toEqual(asked[0]);
  });

  it('counts every test image once, and shows the wrong ones as they are', async () => {
    const { snapshots, run } = await during({});
    const { step, samples, correct, confusion, misclassified } = parsed(snapshots.evaluation());
    expect([step, samples]).toEqual([10, dataset.test.count]);
    expect(correct / samples).toBe(run.trainer.findings.test?.accuracy);
    expect(confusion.flat().reduce((a, b) => a + b)).toBe(samples);
    expect(confusion.reduce((sum, row, label) => sum + row[label], 0)).toBe(correct);
    expect(misclassified).toHaveLength(samples - correct);
    expect(misclassified.length).toBeGreaterThan(0);
    const pixels = dataset.test.images.length / samples;
    for (const { index, label, predicted, pixels: shown } of misclassified) {
      expect([label, predicted === label]).toEqual([dataset.test.labels[index], false]);
      const image = dataset.test.images.subarray(index * pixels, (index + 1) * pixels);
      expect(Buffer.from(shown, 'base64')).toEqual(Buffer.from(image));
    }
  });
});
