import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Checkpoints, checkpointName } from '../../../coordinator/archive/checkpoints.js';
import { weightsSha256 } from '../../../coordinator/archive/floats.js';
import { decode } from '../../../coordinator/archive/safetensors.js';
import { fault, MemoryFiles, type Operation, withDirectory } from './memory-files.js';
import { model, snapshot, vector } from './samples.js';

const directory = '/run/checkpoints';
const owner = { model, vectors: ['velocity'], configSha256: 'f'.repeat(64) };

function open(files = withDirectory(directory)) {
  const warnings: string[] = [];
  const checkpoints = new Checkpoints({ ...owner, directory, files, warn: (message) => warnings.push(message) });
  return { files, checkpoints, warnings };
}

const pathOf = (step: number) => `${directory}/${checkpointName(step)}`;
const bytesOf = (files: MemoryFiles, step: number) => Buffer.from(files.content(pathOf(step)) as Uint8Array);

async function saved(...steps: number[]) {
  const run = open();
  for (const step of steps) await run.checkpoints.save(snapshot(step));
  return run;
}

describe('weightsSha256', () => {
  it('is the SHA-256 of the little-endian floats', () => {
    const bytes = Buffer.alloc(8);
    bytes.writeFloatLE(1.5, 0);
    bytes.writeFloatLE(-0, 4);
    const expected = createHash('sha256').update(bytes).digest('hex');
    expect(weightsSha256(Float32Array.of(1.5, -0))).toBe(expected);
  });

  it('takes a view of shared memory', () => {
    const shared = new Float32Array(new SharedArrayBuffer(16), 4, 2);
    shared.set([1.5, -0]);
    expect(weightsSha256(shared)).toBe(weightsSha256(Float32Array.of(1.5, -0)));
  });
});

describe('Checkpoints', () => {
  it('gives back what was saved', async () => {
    const { files } = await saved(7);
    const checkpoint = await open(files).checkpoints.loadNewest();
    const hash = weightsSha256(vector(7));
    expect(checkpoint).toEqual({ ...snapshot(7), name: checkpointName(7), weightsSha256: hash });
  });

  it('knows a run without optimizer state from one with it', async () => {
    const { files, checkpoints } = open();
    await checkpoints.save({ ...snapshot(7), vectors: [] });
    expect((await open(files).checkpoints.loadNewest())?.vectors).toEqual([]);
  });

  it('keeps every vector of an optimizer under its name, and takes no others', async () => {
    const files = withDirectory(directory);
    const two = { ...owner, vectors: ['mean', 'square'], directory, files };
    const vectors = [vector(7, 100), vector(7, 200)];
    await new Checkpoints(two).save({ ...snapshot(7), vectors });
    expect((await new Checkpoints(two).loadNewest())?.vectors).toEqual(vectors);
    const names = decode(bytesOf(files, 7)).tensors.map(({ name }) => name);
    expect(names.slice(2)).toEqual(
      ['mean', 'square'].flatMap((of) => [`${of}.layers.0.weight`, `${of}.layers.0.bias`]),
    );
    const swapped = new Checkpoints({ ...two, vectors: ['square', 'mean'] });
    await expect(swapped.load(checkpointName(7))).rejects.toThrow("its tensors are not the model's");
  });

  it('has nothing to load where nothing was saved', async () => {
    expect(await open().checkpoints.loadNewest()).toBeNull();
    expect(await open(new MemoryFiles()).checkpoints.loadNewest()).toBeNull();
  });

  it('names tensors and position for other programs', async () => {
    const { files } = await saved(7);
    const { tensors, metadata } = decode(bytesOf(files, 7));
    expect(tensors.map(({ name, shape }) => [name, ...shape])).toEqual([
      ['layers.0.weight', 2, 3],
      ['layers.0.bias', 3],
      ['velocity.layers.0.weight', 2, 3],
      ['velocity.layers.0.bias', 3],
    ]);
    expect(metadata).toMatchObject({ step: '7', epoch: '1', stepInEpoch: '2', model: JSON.stringify(model) });
  });

  it('keeps the snapshot as it was when it was asked to save it', async () => {
    const { files, checkpoints } = open();
    const weights = vector(7);
    const done = checkpoints.save({ ...snapshot(7), weights });
    weights.fill(0);
    await done;
    expect((await open(files).checkpoints.loadNewest())?.weights).toEqual(vector(7));
  });

  it('writes at most one at a time, and of those that wait only the newest', async () => {
    const { checkpoints } = open();
    const saves = [1, 2, 3, 4].map((step) => checkpoints.save(snapshot(step)));
    expect(await Promise.all(saves)).toEqual([pathOf(1), null, null, pathOf(4)]);
    expect(await checkpoints.names()).toEqual([1, 4].map(checkpointName));
  });

  it('does not let a newer one displace the best', async () => {
    const { checkpoints } = open();
    const saves = [snapshot(1), snapshot(2, true), snapshot(3), snapshot(4)].map((x) => checkpoints.save(x));
    expect(await Promise.all(saves)).toEqual([pathOf(1), pathOf(2), null, pathOf(4)]);
  });

  it('settles when all that was asked for is written', async () => {
    const { checkpoints } = open();
    await checkpoints.settled();
    void checkpoints.save(snapshot(1));
    void checkpoints.save(snapshot(2));
    await checkpoints.settled();
    expect(await checkpoints.names()).toEqual([1, 2].map(checkpointName));
  });

  it('awaits what must be on disk before it', async () => {
    const files = withDirectory(directory);
    const order: string[] = [];
    files.failing = ({ kind }) => {
      order.push(kind);
      return null;
    };
    const prepare = async () => {
      await new Promise(setImmediate);
      order.push('prepared');
    };
    await new Checkpoints({ ...owner, directory, files, prepare }).save(snapshot(1));
    expect(order.indexOf('prepared')).toBe(0);
  });
});

describe('pruning', () => {
  it('keeps the newest three', async () => {
    const { checkpoints } = await saved(5, 10, 15, 20, 99_999_999, 100_000_000);
    expect(await checkpoints.names()).toEqual([20, 99_999_999, 100_000_000].map(checkpointName));
  });

  it('keeps the best besides, until there is a better one', async () => {
    const { checkpoints } = open();
    for (let step = 1; step <= 6; step++) await checkpoints.save(snapshot(step, step === 2));
    expect(await checkpoints.names()).toEqual([2, 4, 5, 6].map(checkpointName));
    await checkpoints.save(snapshot(7, true));
    expect(await checkpoints.names()).toEqual([5, 6, 7].map(checkpointName));
  });

  it('still knows the best after a restart', async () => {
    const first = open();
    for (let step = 1; step <= 5; step++) await first.checkpoints.save(snapshot(step, step === 1));
    const { checkpoints } = open(first.files);
    await checkpoints.loadNewest();
    for (let step = 6; step <= 9; step++) await checkpoints.save(snapshot(step));
    expect(await checkpoints.names()).toEqual([1, 7, 8, 9].map(checkpointName));
  });

  it('does not forget that a step was the best when it is saved again', async () => {
    const { checkpoints } = open();
    await checkpoints.save(snapshot(1, true));
    for (let step = 1; step <= 5; step++) await checkpoints.save(snapshot(step));
    expect(await checkpoints.names()).toEqual([1, 3, 4, 5].map(checkpointName));
  });

  it('leaves files alone that are not its own, and removes what cut-off saves left', async () => {
    const { files, checkpoints } = open();
    files.put(`${directory}/notes.txt`, Buffer.from('mine'));
    files.put(`${pathOf(1)}.tmp`, Buffer.from('half'));
    await checkpoints.save(snapshot(2));
    expect(files.paths().sort()).toEqual([`${directory}/notes.txt`, pathOf(2)]);
  });

  it('makes no failure of a save out of its own', async () => {
    const { files, checkpoints, warnings } = await saved(1, 2, 3);
    files.failing = ({ kind, path }) => (kind === 'remove' ? fault('EACCES', path) : null);
    expect(await checkpoints.save(snapshot(4))).toBe(pathOf(4));
    expect(warnings.join()).toMatch(/could not be removed: permission denied/);
  });
});

describe('damaged checkpoints', () => {
  /** Saves two checkpoints, damages the newer one, and loads. */
  async function loadWith(damaged: (whole: Buffer) => Uint8Array) {
    const { files } = await saved(5, 10);
    files.put(pathOf(10), damaged(bytesOf(files, 10)));
    const run = open(files);
    return { ...run, newest: await run.checkpoints.loadNewest() };
  }

  it('are named and skipped when cut off at any byte', async () => {
    const { files } = await saved(10);
    for (let length = 0; length < bytesOf(files, 10).length; length++) {
      const { newest, warnings } = await loadWith((whole) => whole.subarray(0, length));
      expect(newest?.position.step, `${length} bytes`).toBe(5);
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain(checkpointName(10));
    }
  });

  it('are named and skipped when any one bit is flipped', async () => {
    const { files, checkpoints, warnings } = await saved(10);
    const whole = bytesOf(files, 10);
    for (let bit = 0; bit < 8 * whole.length; bit++) {
      const flipped = Buffer.from(whole);
      flipped[bit >> 3] ^= 1 << (bit & 7);
      files.put(pathOf(10), flipped);
      expect(await checkpoints.loadNewest(), `bit ${bit}`).toBeNull();
    }
    expect(warnings).toHaveLength(8 * whole.length);
  });

  it('are skipped when bytes were added', async () => {
    const { newest } = await loadWith((whole) => Buffer.concat([whole, Buffer.alloc(4)]));
    expect(newest?.position.step).toBe(5);
  });

  it('are replaced by the course that is taken instead', async () => {
    const { checkpoints } = await loadWith(() => Buffer.alloc(100));
    await checkpoints.save(snapshot(7));
    expect(await checkpoints.names()).toEqual([5, 7].map(checkpointName));
    await checkpoints.save(snapshot(10));
    expect(await checkpoints.names()).toEqual([5, 7, 10].map(checkpointName));
  });

  it('are skipped when they cannot be read', async () => {
    const { files } = await saved(5, 10);
    files.failing = ({ kind, path }) => (kind === 'read' && path === pathOf(10) ? fault('EACCES', path) : null);
    const { checkpoints, warnings } = open(files);
    expect((await checkpoints.loadNewest())?.position.step).toBe(5);
    expect(warnings.join()).toMatch(/permission denied/);
  });

  it('include those of another configuration', async () => {
    const { files } = await saved(5);
    const other = new Checkpoints({ ...owner, configSha256: '0'.repeat(64), directory, files });
    expect(await other.loadNewest()).toBeNull();
    await expect(other.load(checkpointName(5))).rejects.toMatchObject({
      code: 'checkpoint-invalid',
      message: expect.stringContaining('belongs to another configuration'),
    });
  });
});

describe('a save that fails', () => {
  const kinds: [Operation['kind'], string][] = [
    ['create', 'EMFILE'],
    ['write', 'ENOSPC'],
    ['sync', 'EIO'],
    ['rename', 'EACCES'],
    ['syncDirectory', 'EIO'],
  ];

  it.each(kinds)('at %s with %s leaves the others whole, and the next one succeeds', async (kind, code) => {
    const { files, checkpoints } = await saved(1, 2, 3);
    files.failing = (operation) => (operation.kind === kind ? fault(code, operation.path) : null);
    await expect(checkpoints.save(snapshot(4))).rejects.toMatchObject({
      code: 'output-unwritable',
      message: expect.stringMatching(new RegExp(`step 4 .*${directory}.*${code}`)),
    });
    files.failing = () => null;
    expect(files.paths().filter((path) => path.endsWith('.tmp'))).toEqual([]);
    expect(await checkpoints.names()).toEqual(expect.arrayContaining([1, 2, 3].map(checkpointName)));
    await checkpoints.save(snapshot(5));
    expect((await open(files).checkpoints.loadNewest())?.position.step).toBe(5);
  });

  it('does not keep the one that waits behind it from being written', async () => {
    const { files, checkpoints } = open();
    files.failing = ({ kind, path }) => (kind === 'sync' && path.includes('01.') ? fault('EIO', path) : null);
    const [first, second] = await Promise.allSettled([checkpoints.save(snapshot(1)), checkpoints.save(snapshot(2))]);
    expect([first.status, second.status]).toEqual(['rejected', 'fulfilled']);
  });
});
