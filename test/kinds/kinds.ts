/**
 * What there is to choose from in a run, and what a run has chosen. Tests that must leave nothing out compare the two, so
 * a new layer, optimizer, schedule or augmentation cannot be forgotten. Most of the list comes from the tables of the
 * program. Where the program has only types, the compiler asks for the missing entry here.
 */
import type { RunRequest } from '../../coordinator/run/run-request.js';
import { Activation, Loss } from '../../shared/arithmetic/kernels.js';
import type { AugmentDescription } from '../../shared/data/augment.js';
import { wireBitsChoices } from '../../shared/model/coding.js';
import type { Initial } from '../../shared/model/layers/initial.js';
import { type DescriptionOf, kindOf, type LayerName, layerNames } from '../../shared/model/layers/layers.js';
import type { Model } from '../../shared/model/model.js';
import { optimizerNames, optimizerSettings } from '../../shared/optimizer/optimizers.js';
import { scheduleNames } from '../../shared/optimizer/schedule.js';

/** The fields of each layer, beside the one that names it. */
const layerFields: { readonly [Name in LayerName]: Readonly<Record<Exclude<keyof DescriptionOf<Name>, Name>, true>> } =
  {
    dense: { activation: true, initial: true },
    conv2d: { kernel: true, stride: true, padding: true, activation: true, initial: true },
    maxPool: { stride: true, activation: true },
    averagePool: { stride: true, activation: true },
    globalAveragePool: {},
    flatten: {},
    dropout: {},
    batchNorm: { activation: true },
    leakyRelu: {},
  };

const initials: Readonly<Record<Initial, true>> = { he: true, glorot: true };
const augmentations: Readonly<Record<keyof AugmentDescription, true>> = {
  shift: true,
  rotate: true,
  scale: true,
  elastic: true,
};

/** Settings of a run that stand for themselves. A setting that is 0 or absent is not chosen. */
const otherSettings = ['clip', 'labelSmoothing', 'validation', 'localSteps', 'outerLr', 'outerMomentum'] as const;

/** The codings of numbers on the wire. */
const wireBits = wireBitsChoices.map((bits) => `${bits} bits`);

/** The values of the fields of which each value counts. */
const valuesOf: Readonly<Record<string, readonly string[]>> = {
  activation: Object.keys(Activation),
  initial: Object.keys(initials),
};

/** What a run can choose. */
export const everyKind: readonly string[] = [
  ...layerNames,
  ...layerNames.flatMap((name) => Object.keys(layerFields[name]).flatMap((field) => fieldKinds(name, field))),
  ...Object.keys(Loss),
  ...optimizerNames,
  ...optimizerNames.flatMap((name) => optimizerSettings(name).map((setting) => `${name} ${setting}`)),
  ...scheduleNames.map((name) => `${name} schedule`),
  ...Object.keys(augmentations),
  ...otherSettings,
  'keep best',
  ...wireBits,
];

/** Settings that are called otherwise in a request than in an optimizer. */
const requested = { rate: 'lr', decay: 'weightDecay' } as const;

/** What a run has chosen. The request names its model, its optimizer, and the settings that differ from the defaults. */
export function kindsIn(request: RunRequest & { readonly model: Model }): Set<string> {
  const { model, optimizer = 'sgd', schedule = 'constant', augment } = request;
  const hasSetting = (setting: string) => {
    const { [setting]: name = setting } = requested as Readonly<Record<string, string>>;
    return Boolean(request[name as keyof RunRequest]);
  };
  return new Set([
    ...model.layers.flatMap((layer) => {
      const name = kindOf(layer);
      const fields = Object.entries(layer).filter(([field]) => field !== name);
      return [name, ...fields.map(([field, value]) => kindOfField(name, field, value))];
    }),
    model.loss,
    optimizer,
    ...optimizerSettings(optimizer)
      .filter(hasSetting)
      .map((setting) => `${optimizer} ${setting}`),
    `${schedule} schedule`,
    ...Object.keys(augment ?? {}),
    ...otherSettings.filter((setting) => request[setting]),
    `keep ${request.keep ?? 'last'}`,
    `${request.wireBits ?? 32} bits`,
  ]);
}

function fieldKinds(layer: string, field: string): string[] {
  return (valuesOf[field] ?? [undefined]).map((value) => kindOfField(layer, field, value));
}

function kindOfField(layer: string, field: string, value: unknown): string {
  return Object.hasOwn(valuesOf, field) ? `${layer} ${field} ${value}` : `${layer} ${field}`;
}
