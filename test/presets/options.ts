/** The command line of `npm run presets`. Pure. */
import { parseArgs } from 'node:util';
import { type PresetName, presets } from '../../shared/model/presets.js';
import { type DatasetName, datasetNames } from './report.js';

export interface PresetOptions {
  readonly presets: readonly PresetName[];
  readonly datasets: readonly DatasetName[];
  readonly seeds: readonly number[];
  /** Whether to train in local rounds, with each number of bits on the wire. */
  readonly rounds: boolean;
  /** Whether to write the report and the table in README.md. */
  readonly report: boolean;
  /** A run that takes longer is ended, and has no figures. */
  readonly limitSeconds: number;
  /** Further options of `lockstep train`, to try other settings. Such runs are not for the report. */
  readonly extra: readonly string[];
}

const limitSecondsDefault = 3600;

/** On Fashion-MNIST, these are enough to see what a model can do. */
export const onFashion: readonly string[] = ['mlp', 'cnn-small', 'cnn'];

/** These have settings of their own for rounds, and train within a minute. */
const inRounds: readonly PresetName[] = ['mlp', 'cnn-small', 'lenet5'];

export const usage = `npm run presets -- [--report] [--rounds] [--only NAME,NAME] [--dataset NAME] [--seeds 1,2,3] [--limit SECONDS] [-- OPTION ...]

Trains presets as \`lockstep train --preset NAME\` does, evaluates them on the test set after the last epoch, and asks them
about the sixty drawings.

  --report         put the runs into test/presets/report.json, write test/presets/REPORT.md and the table in README.md
  --rounds         train in local rounds on MNIST, with 32, 8 and 4 bits on the wire (default presets: ${inRounds.join(', ')})
  --only NAMES     only these presets: ${Object.keys(presets).join(', ')}
  --dataset NAME   only this data set: ${datasetNames.join(', ')}
  --seeds LIST     default: 1,2,3
  --limit SECONDS  the longest that a run may take (default: ${limitSecondsDefault})
  -- OPTION ...    further options of lockstep train, to try other settings; not together with --report

LOCKSTEP_DATA names the directory with the four files of MNIST, LOCKSTEP_FASHION that of Fashion-MNIST (default: where
Debian's package dataset-fashion-mnist has it).
`;

/** Throws an Error with a sentence for people. */
export function parseOptions(words: readonly string[]): PresetOptions {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      report: { type: 'boolean', default: false },
      rounds: { type: 'boolean', default: false },
      only: { type: 'string' },
      dataset: { type: 'string' },
      seeds: { type: 'string', default: '1,2,3' },
      limit: { type: 'string', default: String(limitSecondsDefault) },
    },
  });
  const { report, rounds } = values;
  const { only = usual(rounds).presets.join(), dataset = usual(rounds).datasets.join() } = values;
  if (positionals.length > 0 && report) throw new Error('the report has only runs with the settings of the preset');
  const numbers = (name: string, text: string) => text.split(',').map((each) => wholeNumber(name, each));
  return {
    presets: chosen('preset', only, Object.keys(presets)) as PresetName[],
    datasets: chosen('data set', dataset, datasetNames) as DatasetName[],
    seeds: numbers('seeds', values.seeds),
    report,
    rounds,
    limitSeconds: wholeNumber('limit', values.limit),
    extra: positionals,
  };
}

/** What is trained if the command line does not say it. */
function usual(rounds: boolean): Pick<PresetOptions, 'presets' | 'datasets'> {
  if (rounds) return { presets: inRounds, datasets: ['mnist'] };
  return { presets: Object.keys(presets) as PresetName[], datasets: datasetNames };
}

function chosen(what: string, list: string, names: readonly string[]): string[] {
  return list.split(',').map((name) => {
    if (names.includes(name)) return name;
    throw new Error(`there is no ${what} ${name}: use some of ${names.join(', ')}`);
  });
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 2 ** 31) return value;
  throw new Error(`--${name} has "${text}", which is no whole number`);
}
