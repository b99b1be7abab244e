/**
 * A run over HTTP: the pages, and what pages and programs ask for. A coordinator answers before its run is loaded; until
 * then it has the pages, and answers `not-ready` to everything else. Nothing of a request is logged.
 */
import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { limits } from '../../shared/limits.js';
import type { Access } from './access.js';
import type { RunControls } from './controls.js';
import { Doorman } from './doorman.js';
import { joinOffer } from './join-offer.js';
import { LiveStates } from './live.js';
import type { Prometheus } from './prometheus.js';
import { fail, type Reply, readBody, sendBytes, sendJson, sendPage } from './reply.js';
import { type StaticFiles, staticFiles } from './static.js';
import { type Edition, isRefusal, type Refusal, type ViewedRun } from './viewed-run.js';

const controlPath = '/api/control/';

export interface WebServerConfig {
  readonly access: Access;
  /** Null until the run is loaded. */
  readonly run: () => ViewedRun | null;
  /** Null: this run cannot be controlled from here. */
  readonly controls: RunControls | null;
  readonly nowMs: () => number;
  /** The pages and what they load; by default, all that were built. */
  readonly files?: StaticFiles;
}

type Route = (reply: Reply, run: ViewedRun) => void | Promise<void>;

export class WebServer {
  private readonly files: StaticFiles;
  private readonly doorman: Doorman;
  private readonly live: LiveStates;
  private prometheus: Promise<Prometheus> | null = null;
  private downloads = 0;

  constructor(private readonly config: WebServerConfig) {
    this.files = config.files ?? staticFiles();
    this.doorman = new Doorman(config.access, config.controls === null ? 'viewer' : 'coordinator');
    this.live = new LiveStates(config.run, config.nowMs);
  }

  /** Answers any request. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    const reply = { request, response };
    response.on('error', () => response.destroy());
    this.answer(reply).catch(() => fail(reply, 'internal', 'this program met an error of its own'));
  }

  /** Tells viewers how it ended, and lets them go. */
  close(): void {
    this.live.end();
  }

  private async answer(reply: Reply): Promise<void> {
    const { headers, method } = reply.request;
    const path = (reply.request.url ?? '/').split('?', 1)[0];
    if (path.startsWith(controlPath)) return this.control(reply, path.slice(controlPath.length));
    // If a request has a body that is not expected, the body is read and dropped.
    reply.request.resume();
    if (method !== 'GET' && method !== 'HEAD') return fail(reply, 'method-not-allowed', 'there is only GET here');
    if (path === '/healthz') return sendBytes(reply, { type: 'text/plain; charset=utf-8' }, Buffer.from('ok\n'));
    const file = this.files.get(path);
    if (file !== undefined)
      return this.doorman.isReachedRightly(reply) ? sendPage(reply, file, headers.host ?? '') : undefined;
    const route = Object.hasOwn(this.routes, path) ? this.routes[path] : null;
    if (route === null) return fail(reply, 'not-found', 'there is nothing here: the dashboard is at /');
    if (!this.doorman.mayRead(reply)) return;
    const run = this.config.run();
    if (run === null) return fail(reply, 'not-ready', 'the run is not loaded yet');
    await route(reply, run);
  }

  private readonly routes: Readonly<Record<string, Route>> = {
    '/api/state': (reply, run) => sendJson(reply, run.state(this.live.count, null)),
    '/api/join': (reply, run) => {
      const state = run.state(this.live.count, run.mark);
      if (state.join === null) return fail(reply, 'not-found', 'nobody can join a run that is read from its files');
      sendJson(reply, joinOffer(state));
    },
    '/api/events': (reply) => {
      if (reply.request.method === 'HEAD') return fail(reply, 'method-not-allowed', 'a stream has no end to describe');
      if (!this.live.add(reply.response)) fail(reply, 'busy', 'too many are watching');
    },
    '/api/weights': (reply, run) => this.sendEdition(reply, 'application/octet-stream', () => run.weights()),
    '/api/evaluation': (reply, run) =>
      this.sendEdition(reply, 'application/json; charset=utf-8', () => run.evaluation()),
    '/model.safetensors': (reply, run) => {
      const offer = ({ step }: Edition) => offerAs(reply, `${run.name}-step-${step}.safetensors`);
      return this.sendEdition(reply, 'application/octet-stream', () => run.model(), offer);
    },
    '/metrics.jsonl': (reply, run) =>
      this.download(reply, async () => {
        const path = await run.metricsFile();
        offerAs(reply, `${run.name}-metrics.jsonl`);
        reply.response.writeHead(200, { 'content-type': 'application/jsonl', 'cache-control': 'no-store' });
        // A file that cannot be read ends the answer early, which its reader sees.
        pipeline(createReadStream(path), reply.response, () => {});
      }),
    '/metrics': async (reply) => {
      this.prometheus ??= import('./prometheus.js').then(
        ({ Prometheus }) => new Prometheus(this.config.run, () => this.live.count),
      );
      const prometheus = await this.prometheus;
      sendBytes(reply, { type: prometheus.contentType }, Buffer.from(await prometheus.text()));
    },
  };

  private sendEdition(
    reply: Reply,
    type: string,
    get: () => Promise<Edition | Refusal>,
    announce: (edition: Edition) => void = () => {},
  ): Promise<void> {
    return this.download(reply, async () => {
      const answer = await get();
      if (isRefusal(answer)) return fail(reply, answer.code, answer.message);
      announce(answer);
      sendBytes(reply, { type, etag: answer.etag }, answer.bytes);
    });
  }

  /** A slow reader keeps what it reads in memory, so the number of downloads is limited. */
  private async download(reply: Reply, send: () => Promise<void>): Promise<void> {
    if (this.downloads >= limits.downloadsMax) return fail(reply, 'busy', 'too many downloads are under way');
    this.downloads += 1;
    reply.response.on('close', () => {
      this.downloads -= 1;
    });
    await send();
  }

  private async control(reply: Reply, action: string): Promise<void> {
    const { controls, run } = this.config;
    const body = readBody(reply, limits.requestBodyBytesMax);
    if (reply.request.method !== 'POST') return fail(reply, 'method-not-allowed', 'there is only POST here');
    if (controls === null) return fail(reply, 'not-found', 'this shows the files of a run, and cannot control it');
    if (!this.doorman.mayControl(reply)) return;
    const text = await body;
    if (text === null) return fail(reply, 'too-large', `a body has at most ${limits.requestBodyBytesMax} bytes`);
    const refusal = controls.perform(action, text);
    if (refusal !== null) return fail(reply, refusal.code, refusal.message);
    sendJson(reply, { done: action, step: run()?.state(0, null).step });
  }
}

/** For a browser that saves it; run names are those of directories. */
function offerAs({ response }: Reply, name: string): void {
  response.setHeader('content-disposition', `attachment; filename="${name.replace(/[^\w.-]/g, '_')}"`);
}
