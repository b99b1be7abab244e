/** `lockstep presets`: the options that it lists are the settings of the preset, and its lines fit a terminal. */
import { expect, it } from 'vitest';
import { augmentOption } from '../../../coordinator/cli/augment-option.js';
import { optionsOf, presetsText } from '../../../coordinator/cli/presets.js';
import { completeSettings, type GivenSettings } from '../../../coordinator/run/settings.js';
import { updateOptions } from '../../../coordinator/run/update-settings.js';
import { presets } from '../../../shared/model/presets.js';

/** Reads options as the command line does. */
function read(options: readonly string[]): GivenSettings {
  const given = options.map((option) => {
    const [name, value = 'true'] = option.replace(/^--/, '').split(' ');
    const key = name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    if (key === 'augment') return [key, augmentOption(value)];
    return [key, /^[\d.e-]+$/.test(value) ? Number(value) : value === 'true' || value];
  });
  return Object.fromEntries(given);
}

it.each(Object.keys(presets))('the options of %s make the run of the preset', (preset) => {
  const model = presets.mlp.model;
  const expected = completeSettings({ preset }, null);
  const source = { from: 'request', model };
  expect(completeSettings({ ...read(optionsOf(preset)), model }, null)).toEqual({ ...expected, model: source });
});

it('options say everything that is not a default', () => {
  const update = updateOptions(
    { name: 'sgd', rate: Math.fround(0.3), momentum: 0.5, nesterov: true, decay: 0.25 },
    { name: 'one-cycle', warmUp: 0.5, from: 0.04, to: 0.0001 },
  );
  expect(update.join(' ')).toBe(
    '--optimizer sgd --lr 0.3 --momentum 0.5 --nesterov --weight-decay 0.25 --schedule one-cycle --warm-up 0.5',
  );
});

it('the list has every preset with its sizes, in 80 columns', () => {
  const lines = presetsText().split('\n');
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
  expect(lines).toContain('cnn-small: 15,578 parameters, 62,312 bytes a gradient');
  for (const name of Object.keys(presets)) expect(lines.join('\n')).toContain(`${name}: `);
});
