import { describe, expect, it } from 'vitest';
import { deviceOf } from '../../../worker/browser/device.js';

function storage() {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
}

describe('the device that a tab names', () => {
  it('is the same at every visit, and another one in another browser', () => {
    const [mine, yours] = [storage(), storage()];
    const first = deviceOf(mine);
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect(deviceOf(mine)).toBe(first);
    expect(deviceOf(yours)).not.toBe(first);
  });

  it('is made anew where what was stored is something else', () => {
    const mine = storage();
    const first = deviceOf(mine);
    for (const key of mine.kept.keys()) mine.kept.set(key, 'x'.repeat(1000));
    expect(deviceOf(mine)).toMatch(/^[0-9a-f]{32}$/);
    expect(deviceOf(mine)).not.toBe(first);
  });

  it('is there, too, where the page may store nothing', () => {
    const refuse = () => {
      throw new Error('denied');
    };
    expect(deviceOf(null)).toMatch(/^[0-9a-f]{32}$/);
    expect(deviceOf({ getItem: refuse, setItem: refuse })).toMatch(/^[0-9a-f]{32}$/);
  });
});
