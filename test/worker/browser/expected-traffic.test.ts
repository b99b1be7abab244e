/** What the join page says before it joins, and of a spare. */
import { describe, expect, it } from 'vitest';
import {
  connectionSentence,
  reasonToAsk,
  spareSentence,
  trafficSentence,
} from '../../../worker/browser/expected-traffic.js';

const offer = {
  ...{ localSteps: 1, slots: 8, sharers: 3, stepsLeft: 4690 },
  ...{ joinBytes: 407_080, stepBytes: 814_160, samplesBytes: 3_000_000 },
};

describe('the join page', () => {
  it('says how much data the tab sends and receives until the run ends', () => {
    expect(trafficSentence(offer)).toBe(
      'If this tab stays to the end of the run, it sends and receives about 3.82 GB: 814 kB in each step, and 3.41 MB once.',
    );
    expect(trafficSentence({ ...offer, localSteps: 16, stepsLeft: 150 })).toContain('126 MB: 814 kB in each round');
    expect(trafficSentence({ ...offer, stepsLeft: 0 })).toBe('');
  });

  it('asks first on mobile data, and warns where the browser does not say what the connection is', () => {
    const both = (connection?: { type?: string; saveData?: boolean }) => [
      reasonToAsk(connection) !== null,
      connectionSentence(connection) !== '',
    ];
    expect(both({ type: 'cellular' })).toEqual([true, false]);
    expect(both({ type: 'wifi', saveData: true })).toEqual([true, false]);
    expect(both({ type: 'wifi', saveData: false })).toEqual([false, false]);
    for (const unknown of [{ type: 'unknown' }, { saveData: false }, undefined]) {
      expect(both(unknown)).toEqual([false, true]);
    }
  });

  it('says why a tab is a spare', () => {
    expect(spareSentence({ ...offer, sharers: 9 })).toBe(
      'A step of this run has 8 parts, and there are 9 workers and threads for them.',
    );
    expect(spareSentence({ ...offer, sharers: 8, localSteps: 2 })).toMatch(/^A round takes less time without this tab/);
  });
});
