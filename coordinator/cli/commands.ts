/**
 * The command line: `lockstep train`, `coordinator`, `worker`, `plan`, `view`, `eval`, `predict`, `export`, `presets`, `textbook`
 * and `conform`. Each command loads its own modules, so a worker holds none of a coordinator's.
 */
import { availableParallelism, hostname } from 'node:os';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { type ErrorCode, LockstepError } from '../../shared/errors.js';
import { limits } from '../../shared/limits.js';
import { type EarlyReading, readEarly } from '../data/early.js';
import { type FormatName, formatNames } from '../export/export-format.js';
import { fits } from '../picture/fit.js';
import { version } from '../version.js';
import { accessOptions, integer, kernelsOptions, logOptions, once, readConfig, real, runOptions } from './options.js';

/** Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
const exitCodes: Partial<Record<ErrorCode, number>> = {
  usage: 2,
  'model-invalid': 2,
  'run-differs': 2,
  interrupted: 130,
};

/** The command that the user has chosen. Its promise decides the exit code. */
class Choice {
  /** `early` is the reading of the data set, where it has begun already. */
  constructor(readonly run: (early: EarlyReading | undefined) => Promise<number>) {}
}

const cores = availableParallelism();

/** The trained model that a command uses. */
const modelPosition = {
  type: 'string',
  demandOption: true,
  describe: 'A run directory, or a model.safetensors or checkpoint of one',
} as const;

const parser = yargs(hideBin(process.argv))
  .scriptName('lockstep')
  .version(version)
  .strict()
  .wrap(Math.min(110, process.stdout.columns ?? 110))
  .command(
    'train',
    'Train on this machine alone, on all its cores',
    (y) =>
      y
        .options(runOptions)
        .option('workers', {
          default: cores,
          defaultDescription: `the machine's cores, ${cores}`,
          describe: 'Compute threads',
          coerce: integer('workers', 1, limits.threadsMax),
        })
        .config('config', 'JSON file with any of these options', readConfig)
        .example('$0 train', 'MNIST, all cores, 10 epochs')
        .example('$0 train --resume runs/DATE-NAME', 'Go on with a run that was cut off')
        .example('$0 train --preset sigmoid-16 --lr 3 --epochs 30', "3Blue1Brown's network")
        .example('$0 train --preset cnn-small', 'A small network with convolutions'),
    (argv) =>
      choose((early) => {
        const reading = early ?? (argv.resume ? undefined : readEarly(argv));
        return import('./train.js').then(({ runTrain }) => runTrain(argv, reading));
      }),
  )
  .command(
    'coordinator',
    'Train on this machine and on the workers that join over the network',
    (y) =>
      y
        .options(runOptions)
        .options(accessOptions)
        .option('port', { default: 8080, describe: 'Port to listen on; 0: any', coerce: integer('port', 0, 65535) })
        .option('threads', {
          default: cores - 1,
          defaultDescription: `the machine's cores but one, ${cores - 1}`,
          describe: 'Compute threads of its own; 0: it only serves its workers',
          coerce: integer('threads', 0, limits.threadsMax),
        })
        .option('fleet', {
          describe:
            'Devices that should have work, this one among them: chooses rounds, slots and bits for them, and says why',
          coerce: integer('fleet', 1, limits.membersMax),
        })
        .option('min-workers', {
          defaultDescription: '0; with --threads 0: 1',
          describe: 'Start when so many workers have joined',
          coerce: integer('min-workers', 0, limits.membersMax),
        })
        .option('stay', {
          boolean: true,
          defaultDescription: 'in a terminal',
          describe: 'Keep serving the dashboard when the run is over, until Ctrl-C',
        })
        .config('config', 'JSON file with any of these options', readConfig)
        .example('$0 coordinator', 'One machine: trains, and listens on 127.0.0.1')
        .example('$0 worker ws://127.0.0.1:8080', '… and a worker, in another terminal')
        .example('$0 coordinator --resume runs/DATE-NAME', 'Go on; workers come back by themselves')
        .example('$0 coordinator --host 0.0.0.0 --min-workers 1', 'Two machines: on the first one, then …')
        .example("$0 worker 'ws://192.168.1.5:8080/#TOKEN'", '… on each machine, the command that it printed'),
    (argv) => choose(() => import('./coordinator.js').then(({ runCoordinator }) => runCoordinator(argv))),
  )
  .command(
    'worker <url>',
    'Lend this machine to a coordinator',
    (y) =>
      y
        .positional('url', {
          type: 'string',
          demandOption: true,
          describe: 'The join address that the coordinator printed',
        })
        .option('threads', {
          default: cores,
          defaultDescription: `the machine's cores, ${cores}`,
          describe: 'Cores to lend',
          coerce: integer('threads', 1, limits.threadsMax),
        })
        .option('name', {
          string: true,
          default: hostname(),
          describe: 'Name in the coordinator’s log',
          coerce: workerName,
        })
        .option('token', {
          string: true,
          describe: 'Token, where the address has none (also: LOCKSTEP_TOKEN)',
          coerce: once,
        })
        .options(kernelsOptions)
        .options(logOptions)
        .example('$0 worker ws://127.0.0.1:8080', 'A coordinator on this machine')
        .example("$0 worker 'ws://192.168.1.5:8080/#TOKEN' --threads 2", 'One on another machine, two cores'),
    (argv) => choose(() => import('./worker.js').then(({ runWorker }) => runWorker(argv))),
  )
  .command(
    'plan',
    'Say how fast a fleet would train on a network, and whether it pays',
    (y) =>
      y
        .options({
          preset: runOptions.preset,
          epochs: runOptions.epochs,
          batch: runOptions.batch,
          'micro-batch': runOptions['micro-batch'],
          'local-steps': runOptions['local-steps'],
          replicas: runOptions.replicas,
          'wire-bits': runOptions['wire-bits'],
        })
        .option('fleet', {
          describe: 'The number of devices that you have',
          coerce: integer('fleet', 1, limits.membersMax),
        })
        .option('mbps', {
          default: 100,
          describe: 'Mbit/s of the link that all devices share: the Wi-Fi, or the coordinator’s cable',
          coerce: real('mbps', limits.planMbpsMin, limits.planMbpsMax),
        })
        .option('rtt-ms', {
          default: 2,
          describe: 'Milliseconds of a round trip, as ping shows them',
          coerce: real('rtt-ms', 0, limits.planRttMsMax),
        })
        .option('samples-per-second', {
          defaultDescription: 'measured on this machine',
          describe: 'What one device alone trains',
          coerce: real('samples-per-second', 1, 1e12),
        })
        .option('threads', {
          default: cores,
          defaultDescription: `the machine's cores, ${cores}`,
          describe: 'Compute threads of the measurement',
          coerce: integer('threads', 1, limits.threadsMax),
        })
        .option('json', { boolean: true, default: false, describe: 'Print one JSON object' })
        .options(kernelsOptions)
        .example('$0 plan --mbps 50', 'Devices like this one, on a Wi-Fi of 50 Mbit/s')
        .example('$0 plan --preset cnn-small --fleet 30 --samples-per-second 2000', 'Thirty phones')
        .example('$0 plan --local-steps 16 --wire-bits 8 --mbps 20', 'Rounds, which send far less'),
    (argv) => choose(() => import('./plan.js').then(({ runPlan }) => runPlan(argv))),
  )
  .command(
    'view [runs..]',
    'Show run directories in a browser, finished or still training',
    (y) =>
      y
        .positional('runs', {
          type: 'string',
          array: true,
          default: [] as string[],
          defaultDescription: 'the newest run in ./runs',
          describe: 'Run directories; several are compared',
        })
        .option('data', {
          string: true,
          describe: 'Directory of the data set that they were trained on, if it is not where train finds it',
          coerce: once,
        })
        .options(accessOptions)
        .option('port', {
          defaultDescription: '8081, or any free port',
          describe: 'Port to listen on; 0: any',
          coerce: integer('port', 0, 65535),
        })
        .example('$0 view', 'The newest run in ./runs')
        .example('$0 view runs/A runs/B runs/C', 'Three runs on one chart, and what differs between them'),
    (argv) => choose(() => import('./view.js').then(({ runView }) => runView(argv))),
  )
  .command(
    'eval <model>',
    'Evaluate a trained model: accuracy, confusion, and its worst mistakes',
    (y) =>
      y
        .positional('model', modelPosition)
        .option('data', {
          string: true,
          describe: 'Directory of a data set (default: that of the training, where train finds it)',
          coerce: once,
        })
        .option('mistakes', { string: true, describe: 'Draw the worst mistakes into this PNG file', coerce: once })
        .option('json', { boolean: true, default: false, describe: 'Print one JSON object, with all mistakes' })
        .option('threads', {
          default: cores,
          defaultDescription: `the machine's cores, ${cores}`,
          describe: 'Compute threads',
          coerce: integer('threads', 1, limits.threadsMax),
        })
        .options(kernelsOptions)
        .example('$0 eval runs/DATE-NAME', 'What the run has learnt')
        .example('$0 eval runs/DATE-NAME --mistakes mistakes.png', 'And a picture of what it gets wrong')
        .example('$0 eval model.safetensors --data DIR', 'A model that somebody sent'),
    (argv) => choose(() => import('./eval.js').then(({ runEval }) => runEval(argv))),
  )
  .command(
    'predict <model> <images..>',
    'Say what a trained model takes pictures for',
    (y) =>
      y
        .positional('model', modelPosition)
        .positional('images', {
          type: 'string',
          array: true,
          demandOption: true,
          describe: 'PNG, JPEG or IDX files, dark on light or light on dark, of any size',
        })
        .option('fit', {
          choices: fits,
          default: 'auto' as const,
          describe: 'ink: centre and scale what is drawn; whole: the whole picture; auto: ink, unless it has the size',
        })
        .option('show', { boolean: true, default: false, describe: 'Show the image that the network gets' })
        .option('layers', { boolean: true, default: false, describe: 'Show the activations of all layers' })
        .option('json', { boolean: true, default: false, describe: 'Print a JSON object per image' })
        .example('$0 predict runs/DATE-NAME seven.png', 'A drawing or a photo of a digit')
        .example('$0 predict runs/DATE-NAME *.jpg --json', 'Several, for a program'),
    (argv) => choose(() => import('./predict.js').then(({ runPredict }) => runPredict(argv))),
  )
  .command(
    'export <model>',
    'Write a trained model for other programs, with a model card',
    (y) =>
      y
        .positional('model', modelPosition)
        .option('format', {
          choices: formatNames,
          demandOption: true,
          describe: 'html: a page with a pad to draw on, in one file',
          coerce: (x: unknown) => once(x) as FormatName,
        })
        .option('out', {
          string: true,
          defaultDescription: 'exports/NAME-FORMAT',
          describe: 'Directory for the files',
          coerce: once,
        })
        .example('$0 export runs/DATE-NAME --format onnx', 'For ONNX Runtime')
        .example('$0 export runs/DATE-NAME --format html', 'For people: a page that works without a network'),
    (argv) => choose(() => import('./export.js').then(({ runExport }) => runExport(argv))),
  )
  .command(
    'presets',
    'List the ready-made models, their sizes, and the options that they stand for',
    (y) => y.example('$0 train --preset cnn-small --epochs 2', 'One of them, for fewer epochs'),
    () => choose(() => import('./presets.js').then(({ runPresets }) => runPresets())),
  )
  .command(
    'textbook',
    'The experiment of the textbooks on costs, batches and learning rates, as a page with curves',
    (y) =>
      y
        .options({ data: runOptions.data, dataset: runOptions.dataset })
        .option('out', {
          string: true,
          default: 'textbook',
          describe: 'Directory for the runs, the page and its pictures; runs in it are not made again',
          coerce: once,
        })
        .option('workers', {
          default: cores,
          defaultDescription: `the machine's cores, ${cores}`,
          describe: 'Compute threads',
          coerce: integer('workers', 1, limits.threadsMax),
        })
        .options(kernelsOptions)
        .options(logOptions)
        .example('$0 textbook', 'Six runs, about a minute; then open textbook/index.html')
        .example('$0 textbook --dataset fashion-mnist --out clothes', 'The same on other pictures'),
    (argv) => choose(() => import('./textbook.js').then(({ runTextbook }) => runTextbook(argv))),
  )
  .command(
    'conform [url]',
    'Check a worker that you wrote: plays a coordinator to it, and says what is wrong',
    (y) =>
      y
        .positional('url', {
          type: 'string',
          default: 'ws://127.0.0.1:8082',
          describe: 'Address to listen on; #TOKEN behind it: the worker must offer that token',
        })
        .option('port', {
          describe: 'Port to listen on, in place of that of the address; 0: any',
          coerce: integer('port', 0, 65535),
        })
        .option('wait', {
          default: limits.conformConnectMsMax / 1000,
          describe: 'Seconds to wait for the worker to connect',
          coerce: integer('wait', 1, 86_400),
        })
        .example('$0 conform --port 9000', 'Then start the worker with ws://127.0.0.1:9000'),
    (argv) => choose(() => import('./conform.js').then(({ runConform }) => runConform(argv))),
  )
  .demandCommand(
    1,
    'Say what to do: train, coordinator, worker, plan, view, eval, predict, export, presets, textbook or conform',
  )
  .example('$0 train', 'One machine')
  .example('$0 coordinator --host 0.0.0.0', 'Many: others open the link that it prints in a browser, …')
  .example("$0 worker 'ws://HOST:8080/#TOKEN'", '… or join from a terminal')
  .epilogue('Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted (with a checkpoint written).')
  // Called for wrong usage only: the message is from yargs, or from the function that reads an option.
  .fail((message, error) => report(new LockstepError('usage', message ?? error.message)));

function workerName(x: unknown): string {
  const name = once(x);
  if (name.length >= 1 && name.length <= limits.nameLengthMax && /^[^\p{C}]+$/u.test(name)) return name;
  throw new LockstepError('usage', `--name must have 1 to ${limits.nameLengthMax} printable characters`);
}

/**
 * Ends the parsing, by throwing: after a handler that returns, yargs builds the text of the help, which nobody has asked
 * for. That takes 35 ms of the start.
 */
function choose(run: Choice['run']): never {
  throw new Choice(run);
}

function report(error: unknown): never {
  if (!(error instanceof LockstepError)) throw error;
  const hint =
    error.code === 'usage' ? '\nRun `lockstep --help`, or `lockstep COMMAND --help`, for what there is.' : '';
  process.stderr.write(`lockstep: ${error.message}${hint}\n`);
  process.exit(exitCodes[error.code] ?? 1);
}

/** Runs the command that the user has typed. `early` is the reading of the data set, where it has begun already. */
export async function runCommand(early: EarlyReading | undefined): Promise<void> {
  try {
    await parser.parseAsync();
  } catch (thrown) {
    if (!(thrown instanceof Choice)) throw thrown;
    process.exitCode = await thrown.run(early).catch(report);
  }
}
