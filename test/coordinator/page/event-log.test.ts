import { expect, test } from 'vitest';
import { newAlarms } from '../../../coordinator/page/event-log.js';

const alarm = (at: number) => ({ at, text: 'the disk is full' });

test('alarms are new after the one that was shown last, also when the list has lost its oldest ones', () => {
  expect(newAlarms([], null)).toEqual([]);
  expect(newAlarms([alarm(1), alarm(2)], null)).toEqual([alarm(1), alarm(2)]);
  expect(newAlarms([alarm(1), alarm(2)], alarm(2))).toEqual([]);
  expect(newAlarms([alarm(2), alarm(3), alarm(4)], alarm(3))).toEqual([alarm(4)]);
  expect(newAlarms([alarm(8), alarm(9)], alarm(3))).toEqual([alarm(8), alarm(9)]);
});
