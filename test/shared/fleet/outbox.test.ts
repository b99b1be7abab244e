import { describe, expect, it } from 'vitest';
import { Outbox, type Parcel } from '../../../shared/fleet/outbox.js';

const parcel = (n: number): Parcel => ({ bytes: Uint8Array.of(n), letGo: () => {} });

describe('an outbox', () => {
  it('hands over what comes after a recipient that throws', () => {
    const outbox = new Outbox({ nowMs: () => 0, defer: () => {} });
    const handed: number[] = [];
    const failing = {
      handOver: () => {
        throw new Error('the socket is gone');
      },
    };
    const working = { handOver: ({ bytes }: Parcel) => handed.push(bytes[0]) };
    expect(() => outbox.send(failing, [parcel(1)])).toThrow('the socket is gone');
    outbox.send(working, [parcel(2), parcel(3)]);
    expect(handed).toEqual([2, 3]);
  });

  it('hands over in the order of sending, also what is sent while something is handed over', () => {
    const outbox = new Outbox({ nowMs: () => 0, defer: () => {} });
    const handed: string[] = [];
    const second = { handOver: ({ bytes }: Parcel) => handed.push(`second ${bytes[0]}`) };
    const first = {
      handOver: ({ bytes }: Parcel) => {
        handed.push(`first ${bytes[0]}`);
        if (bytes[0] === 1) outbox.send(second, [parcel(9)]);
      },
    };
    outbox.send(first, [parcel(1), parcel(2)]);
    expect(handed).toEqual(['first 1', 'first 2', 'second 9']);
  });

  it('makes no long turn longer, but hands over something in every second turn', () => {
    let nowMs = 0;
    const turns: (() => void)[] = [];
    const outbox = new Outbox({ nowMs: () => nowMs, defer: (call) => turns.push(call) });
    const handed: number[] = [];
    const recipient = {
      handOver: ({ bytes }: Parcel) => {
        handed.push(bytes[0]);
        nowMs += 1;
      },
    };
    const endAfter = (ms: number) => {
      outbox.turnBegins();
      nowMs += ms;
      for (const end of turns.splice(0)) end();
    };
    endAfter(10);
    outbox.turnBegins();
    nowMs += 10;
    outbox.send(recipient, [parcel(1), parcel(2), parcel(3)]);
    endAfter(0);
    expect(handed).toEqual([]);
    endAfter(10);
    expect(handed).toEqual([1]);
    endAfter(10);
    expect(handed).toEqual([1]);
    endAfter(0);
    expect(handed).toEqual([1, 2]);
    endAfter(0.5);
    expect(handed).toEqual([1, 2, 3]);
  });
});
