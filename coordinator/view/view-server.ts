/**
 * Serves several runs over HTTP. The page that compares them is at `/`. Each run has its own dashboard, with everything
 * that belongs to it, under `/runs/N/`. A single run does not need this, because its `WebServer` is at `/`.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Access } from '../web/access.js';
import { Doorman } from '../web/doorman.js';
import { fail, type Reply, sendBytes, sendPage } from '../web/reply.js';
import type { ComparisonState } from '../web/state.js';
import type { StaticFiles } from '../web/static.js';
import type { WebServer } from '../web/web-server.js';

export interface ViewServerConfig {
  readonly access: Access;
  readonly files: StaticFiles;
  /** The server of each run, in the order of the comparison. Null for a run that cannot be shown. */
  readonly servers: readonly (WebServer | null)[];
  readonly compare: () => ComparisonState;
}

export class ViewServer {
  private readonly doorman: Doorman;

  constructor(private readonly config: ViewServerConfig) {
    this.doorman = new Doorman(config.access, 'viewer');
  }

  /** Answers any request. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    const [path] = (request.url ?? '/').split('?', 1);
    const [, run, rest] = /^\/runs\/(\d{1,4})(\/.*)?$/.exec(path) ?? [];
    if (run !== undefined) return this.handOn(Number(run), rest, { request, response });
    response.on('error', () => response.destroy());
    request.resume();
    this.answer(path, { request, response });
  }

  /** Ends all streams. */
  close(): void {
    for (const server of this.config.servers) server?.close();
  }

  private handOn(run: number, rest: string | undefined, reply: Reply): void {
    const server = this.config.servers[run] ?? null;
    if (server === null) return fail(reply, 'not-found', `there is no run ${run} here: all runs are at /`);
    if (rest === undefined) {
      reply.response.writeHead(308, { location: `/runs/${run}/` }).end();
      return;
    }
    reply.request.url = rest;
    server.handle(reply.request, reply.response);
  }

  private answer(path: string, reply: Reply): void {
    const { method, headers } = reply.request;
    if (method !== 'GET' && method !== 'HEAD') return fail(reply, 'method-not-allowed', 'there is only GET here');
    if (path === '/healthz') return sendBytes(reply, { type: 'text/plain; charset=utf-8' }, Buffer.from('ok\n'));
    const file = this.config.files.get(path === '/' ? '/compare' : path);
    if (file !== undefined) {
      if (this.doorman.isReachedRightly(reply)) sendPage(reply, file, headers.host ?? '');
    } else if (path !== '/api/comparison') fail(reply, 'not-found', 'there is nothing here: all runs are at /');
    else if (this.doorman.mayRead(reply)) this.sendComparison(reply);
  }

  /** Pages ask for the comparison again and again. If it has not changed, it is not sent again. */
  private sendComparison(reply: Reply): void {
    const bytes = Buffer.from(JSON.stringify(this.config.compare()));
    const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
    sendBytes(reply, { type: 'application/json; charset=utf-8', etag }, bytes);
  }
}
