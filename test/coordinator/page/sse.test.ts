import { expect, test } from 'vitest';
import { EventReader } from '../../../coordinator/page/sse.js';

const text = 'data: {"a":1}\n\n: still here\n\nevent: state\r\ndata:{"b":\r\ndata: 2}\r\n\r\nid: 7\n\n';
const expected = ['{"a":1}', '{"b":\n2}'];

test('reads events however the stream is cut', () => {
  for (let size = 1; size <= text.length; size++) {
    const reader = new EventReader(1000);
    const found: string[] = [];
    for (let at = 0; at < text.length; at += size) found.push(...reader.push(text.slice(at, at + size)));
    expect(found).toEqual(expected);
  }
});

test('an event without an end is not gathered for ever', () => {
  const reader = new EventReader(100);
  expect(() => reader.push(`data: ${'x'.repeat(200)}`)).toThrow('too long');
});
