/** Tests what the addon itself promises. The cases of the kernels run on it in test/shared/arithmetic. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { memoryStart } from '../../../shared/arithmetic/backend.js';
import { type NativeCode, openNative } from '../../../shared/arithmetic/native/backend.js';
import { loadAddon } from '../../../worker/native/addon.js';
import { native } from '../../shared/arithmetic/backends.js';

describe.skipIf(native === null)('the addon (needs a C compiler)', () => {
  const code = native?.handOver.code as NativeCode;

  test('refuses what is no memory, no state, or no width of this processor', () => {
    const addon = loadAddon(code.file);
    const bytes = new Uint8Array(1024);
    const state = () => new Float64Array(new ArrayBuffer(8 * 15));
    expect(Object.keys(addon.open(bytes, state(), 4))).toContain('denseForward');
    expect(() => addon.open(new Uint8Array(0), state(), 4)).toThrow('the memory must be bytes');
    expect(() => addon.open([] as unknown as Uint8Array, state(), 4)).toThrow('the memory must be bytes');
    expect(() => addon.open(bytes, state().subarray(1), 4)).toThrow('the state must be an array of 15 doubles');
    expect(() => addon.open(bytes, state(), 5)).toThrow('this processor has no vectors of this width');
    expect(() => openNative(addon, { ...code, width: 'avx4096' })).toThrow("no vectors of the width 'avx4096'");
  });

  test('keeps the memory for as long as there is a kernel', async () => {
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    let memory = native!.createMemory(1_000_000, false);
    const { add } = memory.kernels;
    const buffer = new WeakRef(memory.buffer);
    new Float32Array(memory.buffer, memoryStart, 1)[0] = 21;
    memory = native!.createMemory(1_000, false);
    for (let turn = 0; turn < 5; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      collect();
    }
    add(memoryStart, memoryStart, memoryStart, 1);
    expect(new Float32Array(buffer.deref()!, memoryStart, 1)[0]).toBe(42);
  });
});
