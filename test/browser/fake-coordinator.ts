/**
 * A server that behaves like a coordinator over HTTP, but has no run. It serves the pages under the same security
 * policy, and shows the state that a test sets. It is for situations that a real run cannot produce on demand: a
 * divergence, an endless pause, a coordinator that goes away.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { EvaluationState, RunState } from '../../coordinator/web/state.js';

const pages = fileURLToPath(new URL('../../web/', import.meta.url));

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css',
  js: 'text/javascript',
  wasm: 'application/wasm',
  svg: 'image/svg+xml',
};

const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; " +
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'x-content-type-options': 'nosniff',
};

export interface Shown {
  readonly state: RunState;
  readonly weights: Float32Array;
  readonly evaluation: EvaluationState | null;
}

export class FakeCoordinator {
  /** The controls that the operator has used, such as "pause" and "drop 3". */
  readonly controls: string[] = [];
  /** Paths of all requests, with their queries. */
  readonly requests: string[] = [];
  private readonly viewers = new Set<ServerResponse>();
  private readonly server = createServer((request, response) => this.answer(request, response));

  /** Requests must have `token`. If it is null, they need no token. */
  constructor(
    private shown: Shown,
    private readonly token: string | null = null,
    private readonly operatorToken = 'operator-token-of-the-test',
  ) {}

  /** Listens on `port`, for example the port of a server before it, or on any free port. Returns the port. */
  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  /** Sends a state to all viewers. `state.curve` and `state.events` have only the new points and events. */
  publish(state: Partial<RunState>, others: Partial<Omit<Shown, 'state'>> = {}): void {
    const { curve, events } = this.shown.state;
    const next = { ...this.shown.state, ...state };
    for (const viewer of this.viewers) {
      send(viewer, { ...next, complete: false, curve: state.curve ?? [], events: state.events ?? [] });
    }
    const all = { curve: [...curve, ...(state.curve ?? [])], events: [...events, ...(state.events ?? [])] };
    this.shown = { ...this.shown, ...others, state: { ...next, ...all } };
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests.push(request.url!);
    const path = request.url!.split('?', 1)[0];
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (!path.startsWith('/api/') && !path.startsWith('/model') && !path.startsWith('/metrics')) {
      return this.page(path, response);
    }
    const offered = request.headers.authorization?.replace('Bearer ', '') ?? null;
    const isOperator = offered === this.operatorToken;
    if (this.token !== null && offered !== this.token && !isOperator) {
      return json(response, 401, { error: { code: 'token-wrong', message: 'a token is needed' } });
    }
    if (path.startsWith('/api/control/')) return void this.control(path, isOperator, request, response);
    this.data(path, response);
  }

  private page(path: string, response: ServerResponse): void {
    const file = pages + (path === '/' ? 'index.html' : path === '/join' ? 'join.html' : path.slice(1));
    if (!existsSync(file)) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': types[file.split('.').at(-1)!] }).end(readFileSync(file));
  }

  private data(path: string, response: ServerResponse): void {
    const { state, weights, evaluation } = this.shown;
    if (path === '/api/events') return this.stream(response);
    if (path === '/api/evaluation' && evaluation !== null) return json(response, 200, evaluation);
    if (path === '/model.safetensors') return void response.end('a model');
    if (path === '/metrics.jsonl') return void response.end('{}\n');
    if (path !== '/api/weights') {
      return json(response, 503, { error: { code: 'not-ready', message: 'there is none yet' } });
    }
    const head = new Uint32Array([state.step, weights.length]);
    response.setHeader('etag', `"${state.step}"`);
    response.write(new Uint8Array(head.buffer));
    response.end(new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength));
  }

  private stream(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    this.viewers.add(response);
    response.on('close', () => this.viewers.delete(response));
    send(response, { ...this.shown.state, complete: true });
  }

  private async control(path: string, isOperator: boolean, request: IncomingMessage, response: ServerResponse) {
    if (!isOperator) return json(response, 403, { error: { code: 'operator-only', message: 'only the operator may' } });
    let body = '';
    for await (const part of request) body += part;
    const member = body === '' ? '' : ` ${JSON.parse(body).member}`;
    this.controls.push(path.split('/').at(-1) + member);
    json(response, 200, {});
  }
}

function send(viewer: ServerResponse, state: RunState): void {
  viewer.write(`data: ${JSON.stringify(state)}\n\n`);
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
