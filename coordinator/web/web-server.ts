/**
 * What the coordinator says over HTTP: the pages, and what they and programs ask for. It listens before the run is
 * loaded; until then it has the pages, and for everything else `not-ready`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { Access } from './access.js';
import { fail, type Reply, sendBytes } from './reply.js';
import { encodedFor, loadStaticFiles, type StaticFile } from './static.js';

const directory = fileURLToPath(new URL('../../web', import.meta.url));

export class WebServer {
  private readonly files = loadStaticFiles(directory);

  constructor(private readonly access: Access) {}

  /** Answers a request, whatever it is. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    // A body that nobody asked for is read and dropped.
    request.resume();
    response.on('error', () => response.destroy());
    const path = pathOf(request);
    if (path === '/healthz') return sendBytes({ request, response }, { type: 'text/plain' }, Buffer.from('ok\n'));
    if (!this.access.knowsHost(request.headers) || !this.access.knowsOrigin(request.headers)) {
      return fail({ request, response }, 'forbidden', 'this name or page is not known here: see --allow-host');
    }
    const file = this.files.get(path);
    if (file === undefined) return fail({ request, response }, 'not-found', 'there is nothing here');
    this.page({ request, response }, file);
  }

  private page(reply: Reply, file: StaticFile): void {
    const { method, headers } = reply.request;
    if (method !== 'GET' && method !== 'HEAD') return fail(reply, 'method-not-allowed', 'only GET');
    const { encoding, bytes } = encodedFor(file, String(headers['accept-encoding'] ?? ''));
    const { response } = reply;
    response.setHeader('vary', 'accept-encoding');
    if (encoding !== undefined) response.setHeader('content-encoding', encoding);
    for (const [name, value] of Object.entries(pageHeaders(headers.host ?? ''))) response.setHeader(name, value);
    sendBytes(reply, { type: file.type, etag: file.etag }, bytes);
  }
}

/**
 * Nothing from elsewhere, nothing inline; a page that is cross-origin isolated has shared memory. The scripts are no
 * secret: pages of other sites may load them as a library.
 */
function pageHeaders(host: string): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self' blob:",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    // Not every browser takes 'self' to mean WebSockets as well.
    `connect-src 'self' ws://${host} wss://${host}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'cross-origin-resource-policy': 'cross-origin',
    'access-control-allow-origin': '*',
  };
}

function pathOf({ url }: IncomingMessage): string {
  return (url ?? '/').split('?', 1)[0];
}
