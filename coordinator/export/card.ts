/** The model card: what a model is, what it was trained on, how well it does, and how to check all of this. */
import { basename } from 'node:path';
import { grouped, percent } from '../../shared/figures.js';
import type { ConfigFile } from '../archive/config.js';
import { runFileNames } from '../archive/run-directory.js';
import { version } from '../version.js';
import type { ExportFormat } from './export-format.js';
import type { ExportedModel } from './exported-model.js';

/** The facts of a card, in the order in which they are shown. Text for people. */
export function factsOf(exported: ExportedModel): (readonly [name: string, text: string])[] {
  const { model, weights, weightsSha256, datasetSha256, step, config, score } = exported;
  const { testAccuracy, testLoss } = score ?? {};
  const shape = model.input.join(' x ');
  const facts: [string, string | null][] = [
    ['Data set', config === null ? null : datasetText(config)],
    ['SHA-256 of the data set', datasetSha256],
    ['Input', `${shape} ${model.input.length === 1 ? 'numbers' : 'pixels'}`],
    ['Parameters', grouped(weights.length)],
    ['Test accuracy', typeof testAccuracy === 'number' ? percent(testAccuracy) : 'not recorded'],
    ['Test loss', typeof testLoss === 'number' ? testLoss.toFixed(4) : null],
    ['Training', step === null ? null : trainingText(step, config)],
    ['Weights hash', weightsSha256],
    ['Arithmetic', config === null ? null : config.arithmetic.specification],
    ['Trained by', config === null ? null : `Lockstep ${config.version}`],
    ['Exported by', `Lockstep ${version}`],
  ];
  return facts.filter((fact): fact is [string, string] => fact[1] !== null);
}

/** The card as a Markdown page. */
export function modelCard(exported: ExportedModel, format: ExportFormat): string {
  const { name, model, config } = exported;
  const rows = factsOf(exported).map(([fact, text]) => `| ${fact} | ${cell(text)} |`);
  return `# ${cell(name)}, as ${format.title}

| | |
| --- | --- |
${rows.join('\n')}

## How to use it
${format.usage(exported)}

## The network

${jsonBlock(model)}

${config === null ? '' : configurationText(config)}
## How to check it

${checkText(exported)}
`;
}

function datasetText({ dataset }: ConfigFile): string {
  const { name, train, validation = 0, test, shape, classes } = dataset;
  const heldOut = validation === 0 ? '' : `, ${grouped(validation)} validation`;
  const samples = `${grouped(train)} training${heldOut} and ${grouped(test)} test images of ${shape.join(' x ')}`;
  return `${name}: ${samples}, ${classes} classes`;
}

function trainingText(step: number, config: ConfigFile | null): string {
  if (config === null) return `${grouped(step)} steps`;
  const { batch, seed, optimizer, rounds } = config;
  const samples = batch === 0 ? 'all samples' : `${grouped(batch)} samples`;
  const unit = rounds === undefined ? 'steps' : 'rounds';
  return `${grouped(step)} ${unit} of ${samples}, ${optimizer.name}, seed ${seed}`;
}

function configurationText(config: ConfigFile): string {
  const { model: _, ...training } = publicConfig(config);
  return `## The training

Everything that decides the weights, as in config.json:

${jsonBlock(training)}
`;
}

function checkText({ config, step, weightsSha256 }: ExportedModel): string {
  if (config === null || step === null) {
    return `The weights hash is the SHA-256 of the float32 parameters in Lockstep's order: ${weightsSha256}. The file that
this was exported from does not say how it was trained.`;
  }
  return `The configuration decides the weights, bit for bit, on any machine. Train them again, in a directory that has
nothing but ${runFileNames.config}:

    mkdir again && cp ${runFileNames.config} again/
    npx lockstep train --resume again --max-steps ${step}

If Lockstep does not find the data set, name its directory with \`--data\`.${firstWeightsText(config)} The run must end on these weights:

    ${weightsSha256}

\`npx lockstep eval again\` then evaluates them.`;
}

function firstWeightsText({ init }: ConfigFile): string {
  if (init === undefined) return '';
  return ` The first weights come from a file: name one
whose weights hash is ${init.weightsSha256} with \`--init\`.`;
}

/** The configuration for others: where the files were on this machine is of no use to them. */
export function publicConfig(config: ConfigFile): ConfigFile {
  const { init } = config;
  return { ...config, data: null, ...(init === undefined ? {} : { init: { ...init, file: basename(init.file) } }) };
}

function jsonBlock(x: unknown): string {
  return `\`\`\`json\n${JSON.stringify(x, null, 2)}\n\`\`\``;
}

/** Text in a cell of a table, or in a heading. */
function cell(text: string): string {
  return text.replace(/[\\`*_{}[\]<>#|]/g, (mark) => `\\${mark}`).replace(/\s+/g, ' ');
}
