import { expect, test } from 'vitest';
import { presets } from '../../../shared/model/presets.js';
import { subjects, unknownOption } from './subjects.js';

test('a subject is left out if the command line lacks one of its options', () => {
  const [plain, , , rounds] = subjects;
  expect(unknownOption(plain, '')).toBeUndefined();
  expect(unknownOption(rounds, '      --replicas   Slots of a round\n      --micro-batch  …')).toBe('--local-steps');
  expect(unknownOption(rounds, ' --replicas  --local-steps  --micro-batch ')).toBeUndefined();
  // A longer name is another option.
  expect(unknownOption(rounds, ' --replicas  --local-steps-max  --micro-batch ')).toBe('--local-steps');
});

test('the sizes of a subject are those of its preset or of its options', () => {
  for (const { name, preset, batch, microBatch, options } of subjects) {
    if (microBatch === null) continue;
    const { training } = presets[preset];
    const given = options[options.indexOf('--batch') + 1];
    expect(batch, name).toBe(options.includes('--batch') ? given : (training?.batch ?? 128));
    expect(microBatch, name).toBe(training?.microBatch ?? 16);
  }
});
