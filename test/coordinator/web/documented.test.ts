/** Checks that the page about HTTP names exactly the metrics that exist. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Prometheus } from '../../../coordinator/web/prometheus.js';

const page = new URL('../../../../coordinator/web/README.md', import.meta.url);

test('the metrics are those of the page', async () => {
  const text = await new Prometheus(
    () => null,
    () => 0,
  ).text();
  const named = (source: string, pattern: RegExp) => [...new Set(source.match(pattern))].sort();
  const there = named(text, /(?<=^# TYPE )lockstep_\w+/gm);
  expect(there.length).toBeGreaterThan(10);
  expect(named(readFileSync(page, 'utf8'), /(?<=`)lockstep_\w+/g)).toEqual(there);
});
