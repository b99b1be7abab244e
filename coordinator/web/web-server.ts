/**
 * What the coordinator says over HTTP: the pages, and what they and programs ask for. It listens before the run is
 * loaded; until then it has the pages, and for everything else `not-ready`. Nothing of a request is logged.
 */
import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { limits } from '../../shared/limits.js';
import type { LiveRun } from '../run/conduct.js';
import { type Access, bearer } from './access.js';
import type { RunControls } from './controls.js';
import { LiveStates } from './live.js';
import type { Monitor } from './monitor.js';
import type { Prometheus } from './prometheus.js';
import { fail, type Reply, readBody, sendBytes, sendJson, sendPage } from './reply.js';
import type { Edition, Snapshots } from './snapshots.js';
import { loadStaticFiles } from './static.js';

/** Where the build puts what browsers are served. */
const directory = fileURLToPath(new URL('../../web', import.meta.url));

const controlPath = '/api/control/';

const notReady = 'the run is not loaded yet';

const operatorHint = 'every start of the coordinator makes a new one, and prints the link that has it';

/** A run that is loaded. */
interface Loaded {
  readonly run: LiveRun;
  readonly snapshots: Snapshots;
}

export interface WebServerConfig {
  readonly access: Access;
  readonly monitor: Monitor;
  readonly controls: RunControls;
  readonly nowMs: () => number;
}

export class WebServer {
  private readonly files = loadStaticFiles(directory);
  private readonly live: LiveStates;
  private prometheus: Promise<Prometheus> | null = null;
  private downloads = 0;

  constructor(private readonly config: WebServerConfig) {
    this.live = new LiveStates(config.monitor, config.nowMs);
  }

  /** Answers a request, whatever it is. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    const reply = { request, response };
    response.on('error', () => response.destroy());
    this.answer(reply).catch(() => fail(reply, 'internal', 'the coordinator met an error of its own'));
  }

  /** Tells viewers how it ended, and lets them go. */
  close(): void {
    this.live.end();
  }

  private async answer(reply: Reply): Promise<void> {
    const { headers, method } = reply.request;
    const path = (reply.request.url ?? '/').split('?', 1)[0];
    if (path.startsWith(controlPath)) return this.control(reply, path.slice(controlPath.length));
    // A body that nobody asked for is read and dropped.
    reply.request.resume();
    if (method !== 'GET' && method !== 'HEAD') return fail(reply, 'method-not-allowed', 'there is only GET here');
    if (path === '/healthz') return sendBytes(reply, { type: 'text/plain; charset=utf-8' }, Buffer.from('ok\n'));
    const file = this.files.get(path);
    if (file !== undefined) return this.isReachedRightly(reply) ? sendPage(reply, file, headers.host ?? '') : undefined;
    const route = Object.hasOwn(this.routes, path) ? this.routes[path] : null;
    if (route === null) return fail(reply, 'not-found', 'there is nothing here: the dashboard is at /');
    if (!this.mayRead(reply)) return;
    const { run, snapshots } = this.config.monitor;
    if (run === null || snapshots === null) return fail(reply, 'not-ready', notReady);
    await route(reply, { run, snapshots });
  }

  private readonly routes: Readonly<Record<string, (reply: Reply, loaded: Loaded) => void | Promise<void>>> = {
    '/api/state': (reply) => sendJson(reply, this.config.monitor.state(this.live.count, null)),
    '/api/events': (reply) => {
      if (reply.request.method === 'HEAD') return fail(reply, 'method-not-allowed', 'a stream has no end to describe');
      if (!this.live.add(reply.response)) fail(reply, 'busy', 'too many are watching');
    },
    '/api/weights': (reply, { snapshots }) => this.sendSnapshot(reply, 'application/octet-stream', snapshots.weights()),
    '/api/evaluation': (reply, { snapshots }) => {
      const evaluation = snapshots.evaluation();
      if (evaluation === null) return fail(reply, 'not-found', 'there was no evaluation yet');
      return this.sendSnapshot(reply, 'application/json; charset=utf-8', evaluation);
    },
    '/model.safetensors': (reply, { run, snapshots }) =>
      this.download(reply, async () => {
        const model = await snapshots.model();
        offerAs(reply, `${run.recorder.name}-step-${model.step}.safetensors`);
        sendBytes(reply, { type: 'application/octet-stream', etag: model.etag }, model.bytes);
      }),
    '/metrics.jsonl': (reply, { run }) =>
      this.download(reply, async () => {
        const path = await run.recorder.metrics();
        offerAs(reply, `${run.recorder.name}-metrics.jsonl`);
        reply.response.writeHead(200, { 'content-type': 'application/jsonl', 'cache-control': 'no-store' });
        // A file that cannot be read ends the answer early, which its reader sees.
        pipeline(createReadStream(path), reply.response, () => {});
      }),
    '/metrics': async (reply) => {
      this.prometheus ??= import('./prometheus.js').then(
        ({ Prometheus }) => new Prometheus(this.config.monitor, () => this.live.count),
      );
      const prometheus = await this.prometheus;
      sendBytes(reply, { type: prometheus.contentType }, Buffer.from(await prometheus.text()));
    },
  };

  private sendSnapshot(reply: Reply, type: string, { etag, bytes }: Edition): void {
    void this.download(reply, async () => sendBytes(reply, { type, etag }, bytes));
  }

  /** A slow reader holds on to what it reads: so there are only so many. */
  private async download(reply: Reply, send: () => Promise<void>): Promise<void> {
    if (this.downloads >= limits.downloadsMax) return fail(reply, 'busy', 'too many downloads are under way');
    this.downloads += 1;
    reply.response.on('close', () => {
      this.downloads -= 1;
    });
    await send();
  }

  /** Under a name that is ours and from a page that may; says so where not. */
  private isReachedRightly(reply: Reply): boolean {
    const { access } = this.config;
    const { headers } = reply.request;
    if (access.knowsHost(headers) && access.knowsOrigin(headers)) return true;
    fail(reply, 'forbidden', 'this coordinator does not know that name or that page: see its --allow-host');
    return false;
  }

  /** Whoever knows the token may reach it under any name; says so where not. */
  private mayRead(reply: Reply): boolean {
    const { access } = this.config;
    const token = bearer(reply.request.headers);
    if (access.roleOf(token) === 'nobody') {
      if (!access.isSettled) {
        fail(reply, 'not-ready', notReady);
        return false;
      }
      const how = 'open the whole link that the coordinator printed, or send "Authorization: Bearer TOKEN"';
      fail(reply, 'token-wrong', `the token is missing or wrong: ${how}`);
      return false;
    }
    return (access.needsToken && token !== null) || this.isReachedRightly(reply);
  }

  private async control(reply: Reply, action: string): Promise<void> {
    const { access, controls, monitor } = this.config;
    const body = readBody(reply, limits.requestBodyBytesMax);
    if (reply.request.method !== 'POST') return fail(reply, 'method-not-allowed', 'there is only POST here');
    if (!access.knowsOrigin(reply.request.headers)) return fail(reply, 'forbidden', 'not from that page');
    const role = access.roleOf(bearer(reply.request.headers));
    if (role === 'nobody')
      return fail(reply, 'token-wrong', `the operator's token is missing or wrong: ${operatorHint}`);
    if (role !== 'operator') return fail(reply, 'operator-only', `this needs the operator's token: ${operatorHint}`);
    const text = await body;
    if (text === null) return fail(reply, 'too-large', `a body has at most ${limits.requestBodyBytesMax} bytes`);
    const refusal = controls.perform(action, text);
    if (refusal !== null) return fail(reply, refusal.code, refusal.message);
    sendJson(reply, { done: action, step: monitor.run?.trainer.position.step });
  }
}

/** For a browser that saves it; run names are those of directories. */
function offerAs({ response }: Reply, name: string): void {
  response.setHeader('content-disposition', `attachment; filename="${name.replace(/[^\w.-]/g, '_')}"`);
}
