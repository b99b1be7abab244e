/** `lockstep presets`: what each preset is, and the options that its settings stand for. In at most 80 columns. */
import { grouped, shorter } from '../../shared/figures.js';
import { parameterCount } from '../../shared/model/parameters.js';
import { type PresetRounds, presets } from '../../shared/model/presets.js';
import { completeSettings } from '../run/settings.js';
import { updateOptions } from '../run/update-settings.js';
import { augmentText } from './augment-option.js';
import { wrapped } from './wrapped.js';

const indent = '  ';

/** Resolves with the exit code. */
export async function runPresets(): Promise<number> {
  process.stdout.write(presetsText());
  return 0;
}

export function presetsText(): string {
  const blocks = Object.entries(presets).map(([name, { description, model, rounds }]) => {
    const parameters = parameterCount(model);
    const size = `${grouped(parameters)} parameters, ${grouped(4 * parameters)} bytes a gradient`;
    const inRounds = rounds === undefined ? [] : wrapped(['with --local-steps:', ...roundsOptions(rounds)], indent);
    return [
      `${name}: ${size}`,
      ...wrapped(description.split(' '), indent),
      ...wrapped(optionsOf(name), indent),
      ...inRounds,
    ].join('\n');
  });
  return `${blocks.join('\n\n')}\n\nSizes are those for 28 x 28 pixels and 10 classes. Options that you give win.\n`;
}

/** The options of `lockstep train` that say what the preset says, each with its value. */
export function optionsOf(preset: string): string[] {
  const { epochs, batch, microBatch, optimizer, schedule, augment, smoothing } = completeSettings({ preset }, null);
  return [
    `--epochs ${epochs}`,
    `--batch ${batch}`,
    `--micro-batch ${microBatch}`,
    ...updateOptions(optimizer, schedule),
    ...(augment === null ? [] : [`--augment ${augmentText(augment)}`]),
    ...(smoothing === 0 ? [] : [`--label-smoothing ${shorter(smoothing)}`]),
  ];
}

/** The options that take the place of others in a run of rounds. */
function roundsOptions({ microBatch, optimizer, schedule }: PresetRounds): string[] {
  return [`--micro-batch ${microBatch}`, ...updateOptions(optimizer, schedule)];
}
