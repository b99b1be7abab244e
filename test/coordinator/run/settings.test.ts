/** Tests every setting of a run: given, left out, read from the configuration of a resumed run, and written back. */
import { describe, expect, it } from 'vitest';
import { type ConfigFile, differences } from '../../../coordinator/archive/config.js';
import type { LoadedDataset } from '../../../coordinator/data/load.js';
import { completeSettings, defaults, type GivenSettings, type RunSettings } from '../../../coordinator/run/settings.js';
import { setUpRun } from '../../../coordinator/run/setup.js';
import { presetDefault, presets } from '../../../shared/model/presets.js';
import { optimizerDefaults, withSettings } from '../../../shared/optimizer/optimizers.js';
import { outerDefault } from '../../../shared/optimizer/rounds.js';
import { model, config as saved } from '../archive/samples.js';

interface Row<K extends keyof RunSettings> {
  readonly given: GivenSettings;
  /** The setting that `given` means. */
  readonly meaning: RunSettings[K];
  /** The default, for a run without this setting. */
  readonly otherwise: RunSettings[K];
  /** The fields of a configuration with this setting. They differ from those of `saved`. */
  readonly config: Partial<ConfigFile>;
  /** The setting of a run that is resumed with `config`. */
  readonly kept: RunSettings[K];
}

/** The type makes sure that no setting is missing. */
const rows: { readonly [K in keyof RunSettings]: Row<K> } = {
  model: {
    given: { preset: 'sigmoid-16' },
    meaning: { from: 'preset', name: 'sigmoid-16' },
    otherwise: { from: 'preset', name: presetDefault },
    config: { preset: 'mlp' },
    kept: { from: 'run', preset: 'mlp', model },
  },
  dataset: {
    given: { dataset: 'digits' },
    meaning: 'digits',
    otherwise: 'auto',
    config: { dataset: { ...saved.dataset, name: 'mnist' } },
    kept: 'mnist',
  },
  data: { given: { data: '/d' }, meaning: '/d', otherwise: undefined, config: { data: '/e' }, kept: '/e' },
  epochs: { given: { epochs: 3 }, meaning: 3, otherwise: 10, config: { epochs: 7 }, kept: 7 },
  batch: { given: { batch: 24 }, meaning: 24, otherwise: 128, config: { batch: 20 }, kept: 20 },
  microBatch: { given: { microBatch: 2 }, meaning: 2, otherwise: 16, config: { microBatch: 6 }, kept: 6 },
  rounds: {
    given: { localSteps: 4, outerLr: 0.5 },
    meaning: { steps: 4, outer: { ...outerDefault, rate: 0.5 } },
    otherwise: undefined,
    config: { batch: 2 * saved.microBatch, rounds: { steps: 2, outer: { ...outerDefault, rate: 0.25 } } },
    kept: { steps: 2, outer: { ...outerDefault, rate: 0.25 } },
  },
  optimizer: {
    given: { lr: 0.5, momentum: 0 },
    meaning: { name: 'sgd', rate: 0.5, momentum: 0 },
    otherwise: { name: 'sgd', rate: Math.fround(0.1), momentum: Math.fround(0.9) },
    config: { optimizer: { name: 'sgd', rate: 0.25, momentum: 0.5 } },
    kept: { name: 'sgd', rate: 0.25, momentum: 0.5 },
  },
  schedule: {
    given: { schedule: 'one-cycle', warmUp: 0.5 },
    meaning: { name: 'one-cycle', warmUp: 0.5, from: 0.04, to: 0.0001 },
    otherwise: { name: 'constant' },
    config: { schedule: { name: 'cosine', to: 0.25 } },
    kept: { name: 'cosine', to: 0.25 },
  },
  clip: { given: { clip: 2 }, meaning: 2, otherwise: undefined, config: { clip: 0.5 }, kept: 0.5 },
  smoothing: {
    given: { labelSmoothing: 0.25 },
    meaning: 0.25,
    otherwise: 0,
    config: { smoothing: 0.125 },
    kept: 0.125,
  },
  wireBits: { given: { wireBits: 8 }, meaning: 8, otherwise: 32, config: { wireBits: 4 }, kept: 4 },
  seed: { given: { seed: 0 }, meaning: 0, otherwise: 1, config: { seed: 9 }, kept: 9 },
  augment: {
    given: { augment: { shift: 1, scale: 0.5 } },
    meaning: { shift: 1, scale: 0.5 },
    otherwise: null,
    config: {
      augment: { rotate: 12.5 },
      model: { ...model, input: [1, 2] },
      dataset: { ...saved.dataset, shape: [1, 2] },
    },
    kept: { rotate: 12.5 },
  },
  evalEvery: { given: { evalEvery: 4 }, meaning: 4, otherwise: 'epoch', config: { evaluateEvery: 6 }, kept: 6 },
  maxSteps: { given: { maxSteps: 8 }, meaning: 8, otherwise: undefined, config: { maxSteps: 11 }, kept: 11 },
  targetAccuracy: {
    given: { targetAccuracy: 0 },
    meaning: 0,
    otherwise: undefined,
    config: { targetAccuracy: 0.75 },
    kept: 0.75,
  },
  validation: {
    given: { validation: 7 },
    meaning: 7,
    otherwise: 0,
    config: { dataset: { ...saved.dataset, train: 50, validation: 10 } },
    kept: 10,
  },
  keep: { given: { keep: 'best' }, meaning: 'best', otherwise: 'last', config: { keep: 'best' }, kept: 'best' },
  init: {
    given: { init: 'w.safetensors' },
    meaning: { file: 'w.safetensors', weightsSha256: null },
    otherwise: undefined,
    config: { init: { file: '/w.safetensors', weightsSha256: 'b'.repeat(64) } },
    kept: { file: '/w.safetensors', weightsSha256: 'b'.repeat(64) },
  },
  patience: { given: { patience: 2 }, meaning: 2, otherwise: undefined, config: { patience: 5 }, kept: 5 },
};

const names = Object.keys(rows) as (keyof RunSettings)[];

/** The data set that a configuration describes. */
function datasetOf({ dataset, data }: ConfigFile): LoadedDataset {
  const { train, validation = 0, test, shape, ...others } = dataset;
  const samples = (count: number) => ({
    count,
    shape,
    images: new Uint8Array(2 * count),
    labels: new Uint8Array(count),
  });
  return { ...others, train: samples(train + validation), test: samples(test), directory: data };
}

describe.each(names)('the setting %s', (name) => {
  const { given, meaning, otherwise, config, kept } = rows[name];
  const changed: ConfigFile = { ...saved, ...config };

  it('is as it is given, in a new run and in one that goes on', () => {
    expect(completeSettings(given, null)[name]).toEqual(meaning);
    expect(completeSettings(given, changed)[name]).toEqual(meaning);
  });

  it('has a default', () => {
    expect(completeSettings({}, null)[name]).toEqual(otherwise);
    expect(defaults[name]).toEqual(otherwise);
  });

  it('is kept by a run that goes on', () => {
    expect(completeSettings({}, changed)[name]).toEqual(kept);
    expect(kept).not.toEqual(completeSettings({}, saved)[name]);
  });

  it('is written to the configuration as it was read', () => {
    const { config: written } = setUpRun(completeSettings({}, changed), datasetOf(changed), 0);
    expect(written).toEqual({ ...changed, optimizer: withSettings(changed.optimizer, {}) });
  });

  it('leaves the others alone', () => {
    const others = (settings: RunSettings) => ({ ...settings, [name]: null });
    // `data` and `dataset` replace each other, so a test of one of them must ignore both. Rounds decide the batch.
    const replacing = name === 'data' || name === 'dataset' ? { dataset: null, data: null } : {};
    const also = name === 'rounds' ? { batch: null } : replacing;
    expect({ ...others(completeSettings(given, saved)), ...also }).toEqual({
      ...others(completeSettings({}, saved)),
      ...also,
    });
  });
});

describe('a preset with settings of its own', () => {
  const { optimizer, schedule, training } = presets['cnn-small'];
  const settled = { ...defaults, model: { from: 'preset', name: 'cnn-small' }, ...training };
  const preset = 'cnn-small';

  it('gives them to a new run, and leaves the others as they are', () => {
    expect(completeSettings({ preset }, null)).toEqual({
      ...settled,
      optimizer: withSettings(optimizer, {}),
      schedule,
    });
    expect(training).not.toEqual({});
  });

  it('loses to every option that the user gives', () => {
    const given = { epochs: 77, batch: 48, microBatch: 3, augment: { rotate: 5 }, labelSmoothing: 0.5 };
    const { labelSmoothing, ...same } = given;
    expect(completeSettings({ ...given, preset }, null)).toMatchObject({ ...same, smoothing: labelSmoothing });
    expect(completeSettings({ augment: null, preset }, null).augment).toBeNull();
  });

  it('has nothing to say in a run that goes on, or has a model of its own', () => {
    const { model: _, ...kept } = completeSettings({}, saved);
    expect(completeSettings({ preset }, saved)).toMatchObject(kept);
    expect(completeSettings({ model: 'net.json' }, null)).toMatchObject({
      epochs: defaults.epochs,
      batch: defaults.batch,
    });
  });
});

it.each(Object.entries(presets))('the settings of %s make a run', (name, { modelFor }) => {
  const shape = [28, 28];
  const dataset = datasetOf({ ...saved, dataset: { ...saved.dataset, shape, train: 60_000, classes: 10 } });
  const { run, config } = setUpRun(completeSettings({ preset: name }, null), dataset, 0);
  expect(run.model).toEqual(modelFor(shape, 10));
  expect(completeSettings({}, config)).toEqual({
    ...completeSettings({ preset: name }, null),
    model: { from: 'run', preset: name, model: run.model },
    dataset: 'digits',
  });
});

it('a validation set must leave something to train on', () => {
  const settings = (validation: number) => completeSettings({ validation, model, batch: 12, microBatch: 4 }, null);
  const most = 'digits has 60 training samples, and a validation set of 60 leaves none of them: hold out 59 at most';
  expect(() => setUpRun(settings(60), datasetOf(saved), 0)).toThrow(most);
  const { run, config } = setUpRun(settings(20), datasetOf(saved), 0);
  expect(run).toMatchObject({ train: 40, validation: 20, test: 10 });
  expect(config.dataset).toMatchObject({ train: 40, validation: 20, test: 10 });
});

it('a directory that is given is not mixed with the data set of the run', () => {
  const digits = { ...saved, data: '/old' };
  expect(completeSettings({ dataset: 'mnist' }, digits)).toMatchObject({ dataset: 'mnist', data: undefined });
  expect(completeSettings({ data: '/new' }, saved)).toMatchObject({ dataset: 'auto', data: '/new' });
});

it.each([
  ['kmnist', null, 'kmnist'],
  ['emnist-letters', null, 'emnist-letters'],
  ['digits', null, 'digits'],
  ['own', null, 'mnist'],
  // The name chooses among the files of a directory. Where the hash is known, it is not needed.
  ['emnist-letters', '/d', 'emnist-letters'],
  ['fashion-mnist', '/d', 'auto'],
  ['digits', '/d', 'auto'],
  ['own', '/d', 'auto'],
])('a run on %s from %s goes on with the data set %s', (name, data, dataset) => {
  const config = { ...saved, dataset: { ...saved.dataset, name }, data };
  expect(completeSettings({}, config).dataset).toBe(dataset);
});

it('the names of classes are written to the configuration, and change nothing', () => {
  const named = { ...saved, dataset: { ...saved.dataset, classNames: ['cat', 'dog', 'bird'] } };
  const { config } = setUpRun(completeSettings({}, named), datasetOf(named), 0);
  expect(config.dataset).toEqual(named.dataset);
  expect(differences(config, { ...config, dataset: saved.dataset })).toEqual([]);
});

it('a setting of the optimizer leaves the others as they are', () => {
  const rounded = { name: 'sgd', rate: Math.fround(0.1), momentum: Math.fround(0.9) };
  expect(completeSettings({ lr: 0.5 }, saved).optimizer).toEqual({ ...rounded, rate: 0.5 });
  expect(completeSettings({ momentum: 0.5 }, saved).optimizer).toEqual({ ...rounded, momentum: 0.5 });
  expect(completeSettings({ preset: 'sigmoid-16', momentum: 0.5 }, null).optimizer).toEqual({
    name: 'sgd',
    rate: 5,
    momentum: 0.5,
  });
  expect(() => completeSettings({ momentum: 2 }, null)).toThrow('optimizer.momentum must be a number from 0 to 1');
});

it('an augmentation is checked, and so is whether the images can be distorted', () => {
  const setUp = (augment: GivenSettings['augment']) => {
    setUpRun(completeSettings({ model, augment, batch: 12, microBatch: 4 }, null), datasetOf(saved), 0);
  };
  expect(() => setUp({ rotate: 0 })).toThrow('augment.rotate must be a number above 0, and 180 at most');
  expect(() => setUp({})).toThrow('augment must have shift, rotate, scale or elastic');
  expect(() => setUp({ shift: 1 })).toThrow('augmentation takes images of [height, width]');
  setUp(null);
});

it('an augmentation can be given up, and is left alone where nothing is said of it', () => {
  const distorted = { ...saved, augment: { shift: 2 } };
  expect(completeSettings({ augment: null }, distorted).augment).toBeNull();
  expect(completeSettings({}, distorted).augment).toEqual({ shift: 2 });
});

describe('the settings of an update', () => {
  const adam = optimizerDefaults('adam');

  it('are the defaults of an optimizer that is named, unless it is the one of the run', () => {
    const { optimizer } = completeSettings({ optimizer: 'adam', lr: 0.5 }, saved);
    expect(optimizer).toEqual({ ...withSettings(adam, {}), rate: 0.5 });
    expect(completeSettings({ optimizer: 'sgd' }, saved).optimizer).toEqual(withSettings(saved.optimizer, {}));
    const ran = { ...saved, optimizer: withSettings(adam, { beta1: 0.5 }) };
    expect(completeSettings({ optimizer: 'adam' }, ran).optimizer).toMatchObject({ beta1: 0.5 });
    const given = { optimizer: 'adamw', weightDecay: 0.5, beta1: 0.25, beta2: 0.5, epsilon: 0.125, lr: 1 } as const;
    const wanted = { name: 'adamw', rate: 1, beta1: 0.25, beta2: 0.5, epsilon: 0.125, decay: 0.5 };
    expect(completeSettings(given, null).optimizer).toEqual(wanted);
  });

  it('can be taken away where they are not there by default', () => {
    const nesterov = completeSettings({ nesterov: true, weightDecay: 0.5 }, null).optimizer;
    expect(nesterov).toMatchObject({ nesterov: true, decay: 0.5 });
    const ran = { ...saved, optimizer: nesterov };
    expect(completeSettings({}, ran).optimizer).toEqual(nesterov);
    expect(completeSettings({ nesterov: false, weightDecay: 0 }, ran).optimizer).toEqual(defaults.optimizer);
  });

  it.each<[GivenSettings, string]>([
    [{ optimizer: 'adam', momentum: 0.9 }, '--momentum is no setting of the optimizer adam, which has --lr, --beta1'],
    [{ optimizer: 'adam', weightDecay: 0.1 }, '--weight-decay is no setting of the optimizer adam'],
    [{ optimizer: 'adamw', nesterov: true }, '--nesterov is no setting of the optimizer adamw'],
    [
      { beta2: 0.9 },
      '--beta2 is no setting of the optimizer sgd, which has --lr, --momentum, --nesterov, --weight-decay',
    ],
    [{ warmUp: 0.1 }, '--warm-up is no setting of the schedule constant, which has no settings'],
    [{ schedule: 'cosine', lrFrom: 0.1 }, '--lr-from is no setting of the schedule cosine, which has --lr-to'],
    [{ schedule: 'step', lrTo: 0 }, '--lr-to is no setting of the schedule step, which has --lr-every, --lr-factor'],
    [{ optimizer: 'lion' as 'sgd' }, 'optimizer must be one of "sgd"'],
    [{ schedule: 'exponential' as 'step' }, 'schedule must be one of "constant"'],
  ])('are refused where they do not belong: %j', (given, sentence) => {
    expect(() => completeSettings(given, null)).toThrow(sentence);
  });
});

it('a model may be given as a file or as itself', () => {
  expect(completeSettings({ model: 'net.json' }, saved).model).toEqual({ from: 'file', path: 'net.json' });
  expect(completeSettings({ model }, null).model).toEqual({ from: 'request', model });
});

it('a model that a script hands over is checked as a file would be', () => {
  const wrong = { ...model, loss: 'hinge' } as unknown as typeof model;
  const settings = completeSettings({ model: wrong, batch: 12, microBatch: 4 }, null);
  expect(() => setUpRun(settings, datasetOf(saved), 0)).toThrow(/loss must be one of/);
});
