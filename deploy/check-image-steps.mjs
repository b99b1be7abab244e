/**
 * Builds the container image without a container engine, and tests it. The script reads the Containerfile and executes
 * its lines, with a new root directory for each stage. In place of the base image, a root directory uses this machine's
 * /usr, /etc and so on, read-only. Then the image trains, answers its health check and admits a worker. All of this
 * runs as the image's user and on its own network.
 *
 * What this is not: a test of the base image, of its layers, or of a container engine.
 *
 *     sudo node deploy/check-image-steps.mjs
 *
 * The script works in a temporary directory and in its own mount namespace. Both are gone when it ends.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);
const context = resolve(dirname(self), '..');
const borrowed = ['bin', 'etc', 'lib', 'lib32', 'lib64', 'libx32', 'sbin', 'usr'];
/** Variables that a build gets from this script's environment: those for proxies, registries and certificates. */
const handedOn = /^((https?|no|all)_proxy|npm_config_registry|node_extra_ca_certs|ssl_cert_(file|dir))$/i;
/** A command that takes longer than this hangs. It is not a measure of speed. */
const commandMs = 120_000;
const healthPollsMax = 300;

/**
 * Runs this script in a new mount namespace, and removes the temporary directory afterwards. Outside the namespace,
 * nothing of this machine is mounted in that directory, so removing it is safe.
 */
function enterNamespace() {
  if (process.getuid() !== 0) {
    console.error('check-image-steps: needs root, to change the root directory and the user: sudo node deploy/...');
    process.exit(1);
  }
  const scratch = mkdtempSync(join(tmpdir(), 'lockstep-image-'));
  const namespace = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const { status } = spawnSync('unshare', [...namespace, process.execPath, self, '--inside', scratch], {
    stdio: 'inherit',
  });
  rmSync(scratch, { recursive: true });
  process.exitCode = status ?? 1;
}

async function inNamespace(scratch) {
  const image = build(parse(readFileSync(join(context, 'deploy/Containerfile'), 'utf8')), scratch);
  await tryOut(image);
  console.log('\nThe image is sound.');
}

/** Parses a Containerfile into a list of [instruction, rest of the line]. */
function parse(text) {
  const lines = text.replace(/^\s*#.*\n/gm, '').replace(/\\\n/g, ' ');
  return [...lines.matchAll(/^([A-Z]+)\s+(.*\S)\s*$/gm)].map(([, instruction, rest]) => [instruction, rest]);
}

/** Executes the lines of the Containerfile. Returns the last stage. */
function build(lines, scratch) {
  const stages = new Map();
  let stage;
  for (const [instruction, rest] of lines) {
    console.log(`\n==> ${instruction} ${rest}`);
    if (instruction === 'FROM') {
      const name = /\sAS\s+(\S+)$/i.exec(rest)?.[1] ?? String(stages.size);
      stage = {
        root: join(scratch, name),
        directory: '/',
        user: '0:0',
        env: {},
        entrypoint: [],
        command: [],
        health: [],
      };
      stages.set(name, stage);
      borrow(stage.root);
    } else {
      const carryOut = instructions[instruction];
      assert(carryOut, `this script does not know ${instruction}: teach it`);
      carryOut(stage, rest, stages);
    }
  }
  return stage;
}

const instructions = {
  WORKDIR: (stage, path) => {
    stage.directory = resolve(stage.directory, path);
    mkdirSync(stage.root + stage.directory, { recursive: true });
  },
  ENV: (stage, pairs) => {
    for (const pair of pairs.split(/\s+/)) {
      const [name, value] = pair.split('=');
      stage.env[name] = value;
    }
  },
  USER: (stage, user) => {
    assert.match(user, /^\d+:\d+$/);
    stage.user = user;
  },
  COPY: copy,
  RUN: (stage, command) => {
    const { status } = spawnSync(...inStage(stage, ['/bin/sh', '-c', command]), options(stage, 'inherit'));
    assert.equal(status, 0, `failed: ${command}`);
  },
  EXPOSE: (_stage, port) => assert.equal(port, '8080'),
  HEALTHCHECK: (stage, rest) => {
    stage.health = JSON.parse(/\sCMD\s+(\[.*\])$/.exec(rest)[1]);
  },
  ENTRYPOINT: (stage, words) => {
    stage.entrypoint = JSON.parse(words);
  },
  CMD: (stage, words) => {
    stage.command = JSON.parse(words);
  },
};

/** Makes a root directory that contains this machine's system, read-only. */
function borrow(root) {
  mkdirSync(root);
  for (const name of ['dev', 'proc', 'root', 'tmp']) mkdirSync(join(root, name));
  // /tmp is mounted before Node's directory, because that directory may be below /tmp.
  mount('-t', 'tmpfs', 'tmpfs', join(root, 'tmp'));
  for (const name of borrowed) {
    const original = `/${name}`;
    if (!existsSync(original)) continue;
    if (lstatSync(original).isSymbolicLink()) symlinkSync(readlinkSync(original), join(root, name));
    else bindReadOnly(original, root);
  }
  const node = dirname(dirname(process.execPath));
  if (!node.startsWith('/usr')) bindReadOnly(node, root);
  mount('--rbind', '/dev', join(root, 'dev'));
  mount('-t', 'proc', 'proc', join(root, 'proc'));
}

function bindReadOnly(original, root) {
  const place = join(root, original);
  mkdirSync(place, { recursive: true });
  mount('--bind', original, place);
  mount('-o', 'remount,bind,ro', place);
}

function mount(...words) {
  const { status, stderr } = spawnSync('mount', words, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

/** Copies as an engine does: the contents of a directory into the target, or files into the target directory. */
function copy(stage, rest, stages) {
  const words = rest.split(/\s+/);
  const from = words[0].startsWith('--from=') ? stages.get(words.shift().slice('--from='.length)).root : context;
  const target = stage.root + resolve(stage.directory, words.pop());
  const ignored = from === context ? ignoredNames() : new Set();
  for (const source of words.map((word) => join(from, word))) {
    const place = lstatSync(source).isDirectory() ? target : join(target, source.slice(dirname(source).length));
    cpSync(source, place, { recursive: true, filter: (path) => !ignored.has(relative(context, path)) });
  }
}

function ignoredNames() {
  const lines = readFileSync(join(context, '.dockerignore'), 'utf8').split('\n').filter(Boolean);
  for (const line of lines) assert.match(line, /^[\w.-]+$/, 'this script knows plain names only: teach it');
  return new Set(lines);
}

/** The program and arguments that run a command in a stage. If `network` is given, the command uses its network. */
function inStage({ root, user, directory }, command, network = null) {
  const enter = network === null ? [] : ['nsenter', `--net=/proc/${network.pid}/ns/net`];
  // chroot starts the shell in the root directory, so the shell changes to the stage's directory.
  const there = ['/bin/sh', '-c', 'cd "$0" && exec "$@"', directory, ...command];
  const [program, ...words] = [...enter, 'chroot', `--userspec=${user}`, '--groups=', root, ...there];
  return [program, words];
}

function options({ env }, stdio) {
  const own = Object.entries(process.env).filter(([name]) => handedOn.test(name));
  const path = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`;
  return { stdio, encoding: 'utf8', env: { ...Object.fromEntries(own), PATH: path, HOME: '/root', ...env } };
}

async function tryOut(image) {
  const network = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up && echo up && exec sleep infinity']);
  await new Promise((done) => network.stdout.once('data', done));
  const run = (command) => {
    const { status, stdout, stderr } = spawnSync(...inStage(image, command, network), {
      ...options(image, 'pipe'),
      timeout: commandMs,
    });
    return { status, output: stdout + stderr };
  };
  const lockstep = (...words) => [...image.entrypoint, ...words];
  const succeed = (command) => {
    const { status, output } = run(command);
    assert.equal(status, 0, `${command.join(' ')} ended with ${status}: ${output}`);
    return output;
  };
  // Coordinator and worker read the token from the environment, as with compose.yaml and the systemd units.
  image.env.LOCKSTEP_TOKEN = randomBytes(16).toString('hex');
  const weights = (directory) =>
    JSON.parse(readFileSync(join(image.root, image.directory, directory, 'summary.json'), 'utf8')).weightsSha256;

  heading('The user is not root, and cannot change the program');
  assert.notEqual(succeed(['id', '-u']).trim(), '0');
  assert.notEqual(run(['touch', '/app/dist/x']).status, 0);

  heading('Nothing but what runs is there');
  assert.deepEqual(readdirSync(join(image.root, 'app/dist')).sort(), ['coordinator', 'shared', 'web', 'worker']);
  const { devDependencies } = JSON.parse(readFileSync(join(context, 'package.json'), 'utf8'));
  for (const name of Object.keys(devDependencies))
    assert(!existsSync(join(image.root, 'app/node_modules', name)), name);

  heading('It says what it can do');
  assert.match(succeed(lockstep(...image.command)), /lockstep coordinator/);

  heading('It trains');
  const settings = ['--dataset', 'digits', '--max-steps', '20', '--log-level', 'warn'];
  succeed(lockstep('train', '--workers', '2', ...settings, '--out', 'runs/alone'));
  console.log(`weights ${weights('runs/alone')}`);

  heading('A coordinator is healthy while it waits, trains with a worker to the same weights, and is gone');
  const waiting = lockstep('coordinator', '--threads', '0', '--host', '0.0.0.0', ...settings, '--out', 'runs/fleet');
  const coordinator = spawn(...inStage(image, waiting, network), options(image, 'inherit'));
  const ended = new Promise((done) => coordinator.once('exit', done));
  await healthy(() => run(image.health).status === 0 || coordinator.exitCode !== null);
  assert.equal(coordinator.exitCode, null, 'the coordinator ended early');
  succeed(lockstep('worker', 'ws://127.0.0.1:8080', '--threads', '1'));
  assert.equal(await ended, 0);
  assert.equal(weights('runs/fleet'), weights('runs/alone'));
  assert.equal(run(image.health).status, 1);
  network.kill();
}

async function healthy(isSo) {
  for (let i = 0; i < healthPollsMax; i++) {
    if (isSo()) return;
    await sleep(200);
  }
  assert.fail('the coordinator did not become healthy');
}

function heading(text) {
  console.log(`\n==> ${text}`);
}

if (process.argv[2] === '--inside') await inNamespace(process.argv[3]);
else enterNamespace();
