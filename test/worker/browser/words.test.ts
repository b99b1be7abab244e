import { describe, expect, it } from 'vitest';
import { browserName } from '../../../worker/browser/browser-name.js';
import type { JoinStatus } from '../../../worker/browser/status.js';
import { coresOf, figuresOf, wordsFor } from '../../../worker/browser/words.js';

describe('the join page', () => {
  it('says why, before what it does about it', () => {
    const { sentence } = wordsFor({ state: 'reconnecting', reason: 'the network is down' });
    expect(sentence).toMatch(/^The network is down\. The coordinator does not answer\./);
    expect(wordsFor({ state: 'refused', reason: 'The token is wrong.' }).sentence).toBe(
      'This tab cannot take part. The token is wrong.',
    );
  });

  it('says how to stop while there is something to stop', () => {
    for (const state of ['joining', 'computing', 'waiting', 'spare', 'reconnecting'] as const) {
      expect(wordsFor({ state, reason: null }).sentence).toContain('to stop.');
    }
  });

  it('shows figures as people read them', () => {
    const done = { shards: 12_345, samples: 999, bytesSent: 1_234_567, bytesReceived: 12 };
    const status: JoinStatus = {
      ...{ state: 'computing', reason: null, run: 'r', threads: 1, step: null, accuracy: 0.97789, share: 0.25 },
      ...done,
    };
    expect(figuresOf(status)).toEqual({
      ...{ shards: '12,345', samples: '999', share: '25.0 %', step: '–', accuracy: '97.79 %' },
      ...{ sent: '1.23 MB', received: '12 B' },
    });
    expect(coresOf(1, 1)).toBe('1 of 1 core');
  });
});

describe('a browser is called', () => {
  const chrome =
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36';
  it.each([
    [chrome, 'Chrome on Linux'],
    [`${chrome.replace('X11; Linux x86_64', 'Windows NT 10.0; Win64; x64')} Edg/150.0.0.0`, 'Edge on Windows'],
    [chrome.replace('X11; Linux x86_64', 'Linux; Android 15; K'), 'Chrome on Android'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0', 'Firefox on Linux'],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile Safari/604.1',
      'Safari on iOS',
    ],
    ['something else', 'browser'],
  ])('%s', (userAgent, name) => {
    expect(browserName(userAgent)).toBe(name);
  });
});
