import { beforeEach, describe, expect, it } from 'vitest';
import { WriteBurst } from '../../../shared/sockets/write-burst.js';

describe('a burst', () => {
  let calls: string[];
  let afterwards: (() => void)[];
  let burst: WriteBurst;

  beforeEach(() => {
    calls = [];
    afterwards = [];
    const stream = { cork: () => calls.push('cork'), uncork: () => calls.push('uncork') };
    burst = new WriteBurst(stream, (call) => afterwards.push(call));
  });

  function endTurn(): void {
    for (const call of afterwards.splice(0)) call();
  }

  it('is handed over in one piece when the turn is over, and the next one begins anew', () => {
    for (const bytes of [70, 80, 90]) burst.add(bytes);
    expect(calls).toEqual(['cork']);
    endTurn();
    burst.add(1);
    endTurn();
    expect(calls).toEqual(['cork', 'uncork', 'cork', 'uncork']);
  });

  it('that grows long is handed over at once, and the rest at the end', () => {
    for (let i = 0; i < 8; i++) burst.add(100_000);
    expect(calls).toEqual(['cork', 'uncork', 'cork', 'uncork', 'cork']);
    endTurn();
    expect(calls.filter((call) => call === 'cork')).toHaveLength(3);
    expect(calls.filter((call) => call === 'uncork')).toHaveLength(3);
  });
});
