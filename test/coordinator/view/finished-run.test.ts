/** Tests a finished run that is read from its files. */
import { beforeAll, describe, expect, it } from 'vitest';
import { openFinishedRun } from '../../../coordinator/view/finished-run.js';
import { inputWidth } from '../../../shared/model/parameters.js';
import { nodePlatform } from '../../../worker/node-platform.js';
import { dataset, model, SmallRun } from '../run/small-run.js';

const { backend } = nodePlatform();
const path = '/runs/small';
const run = new SmallRun();
beforeAll(async () => void (await run.conduct()));

const open = () => openFinishedRun(path, backend, run.files);

/** The images of the test set, one by one. */
function images() {
  const width = inputWidth(model);
  return Array.from({ length: dataset.test.count }, (_, i) => dataset.test.images.subarray(i * width, (i + 1) * width));
}

describe('a finished run', () => {
  it('has its model, its summary and its weights', async () => {
    const finished = await open();
    const [{ summary }] = run.of('ended');
    expect(finished.model).toEqual(model);
    expect(finished.summary.weightsSha256).toBe(summary.weightsSha256);
    expect(finished.weights.length).toBe(15);
  });

  it('classifies as its evaluation did', async () => {
    const { classify, summary } = await open();
    const answers = classify(images());
    const right = answers.filter(({ answer }, i) => answer === dataset.test.labels[i]).length;
    expect(right / dataset.test.count).toBe(summary.testAccuracy);
    for (const { answer, outputs } of answers) expect(outputs.indexOf(Math.max(...outputs))).toBe(answer);
  });

  it('refuses an image of another size, by its number', async () => {
    const { classify } = await open();
    expect(() => classify([new Uint8Array(4), new Uint8Array(5)])).toThrow(
      /image 1 has 5 bytes, but the model takes 4/,
    );
  });
});

describe('what is no finished run', () => {
  it('is refused: no directory, no summary', async () => {
    await expect(openFinishedRun('/runs/other', backend, run.files)).rejects.toMatchObject({ code: 'run-invalid' });
    const begun = new SmallRun();
    begun.files.failing = ({ path: at }) => (at.includes('summary') ? new Error('refused') : null);
    await expect(begun.conduct()).rejects.toThrow();
    await expect(openFinishedRun(path, backend, begun.files)).rejects.toThrow(/summary.json cannot be read: .*; name/);
  });

  it('is refused: weights of which a bit has changed', async () => {
    const damaged = new SmallRun();
    await damaged.conduct();
    const file = Uint8Array.from(damaged.files.content(`${path}/model.safetensors`) ?? []);
    file[file.length - 1] ^= 1;
    damaged.files.put(`${path}/model.safetensors`, file);
    await expect(openFinishedRun(path, backend, damaged.files)).rejects.toThrow(
      /model.safetensors cannot be used: .*SHA-256/,
    );
  });
});
