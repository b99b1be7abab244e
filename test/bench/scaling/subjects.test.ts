import { expect, test } from 'vitest';
import { presets } from '../../../shared/model/presets.js';
import { races, subjects, unknownOption } from './subjects.js';

test('options that the command line lacks are found', () => {
  const [{ options }] = races[0].fleet;
  const help = options.filter((word) => String(word).startsWith('--')).map((word) => `  ${word}  …`);
  expect(unknownOption([], '')).toBeUndefined();
  expect(unknownOption(options, help.join('\n'))).toBeUndefined();
  expect(unknownOption(options, help.join('\n').replace('--local-steps ', ''))).toBe('--local-steps');
  // A longer name is another option.
  expect(unknownOption(options, help.join('\n').replace('--local-steps ', '--local-steps-max '))).toBe('--local-steps');
});

test('the sizes of a subject are those of its preset or of its options', () => {
  for (const { name, preset, batch, microBatch, options } of subjects) {
    const { training } = presets[preset];
    const given = options[options.indexOf('--batch') + 1];
    expect(batch, name).toBe(options.includes('--batch') ? given : (training?.batch ?? 128));
    expect(microBatch, name).toBe(training?.microBatch ?? 16);
  }
});

test('the samples of a round are those of its options', () => {
  for (const { options, batch } of races.flatMap(({ fleet }) => fleet)) {
    const value = (name: string) => Number(options[options.indexOf(name) + 1]);
    expect(batch).toBe(value('--replicas') * value('--local-steps') * value('--micro-batch'));
  }
});
