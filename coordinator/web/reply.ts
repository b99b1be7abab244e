/** Answers to HTTP requests: pages, bytes under an ETag, JSON, or a fault as JSON with a stable code. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiError, ApiErrorCode } from './state.js';
import { encodedFor, type StaticFile } from './static.js';

export interface Reply {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export interface Content {
  readonly type: string;
  /** In quotes. With an ETag, clients may keep the bytes but ask each time; without one, they must not keep them. */
  readonly etag?: string | undefined;
}

const statuses: Readonly<Record<ApiErrorCode, number>> = {
  'bad-request': 400,
  'token-wrong': 401,
  'operator-only': 403,
  forbidden: 403,
  'not-found': 404,
  'method-not-allowed': 405,
  conflict: 409,
  'too-large': 413,
  internal: 500,
  busy: 503,
  'not-ready': 503,
};

export function sendBytes({ request, response }: Reply, { type, etag }: Content, bytes: Uint8Array): void {
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('cache-control', etag === undefined ? 'no-store' : 'no-cache');
  if (etag !== undefined) response.setHeader('etag', etag);
  if (etag !== undefined && request.headers['if-none-match'] === etag) {
    response.statusCode = 304;
    response.end();
    return;
  }
  response.setHeader('content-type', type);
  response.setHeader('content-length', bytes.length);
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

export function sendJson(reply: Reply, body: unknown): void {
  sendBytes(reply, { type: 'application/json; charset=utf-8' }, Buffer.from(JSON.stringify(body)));
}

/** Sends a file of a page. `host` is the name that the browser used; it has been checked. */
export function sendPage(reply: Reply, file: StaticFile, host: string): void {
  const { request, response } = reply;
  const { encoding, bytes } = encodedFor(file, String(request.headers['accept-encoding'] ?? ''));
  response.setHeader('vary', 'accept-encoding');
  if (encoding !== null) response.setHeader('content-encoding', encoding);
  for (const [name, value] of Object.entries(pageHeaders(host))) response.setHeader(name, value);
  // The same file is other bytes in another encoding.
  const etag = `"${file.hash}-${encoding ?? 'plain'}"`;
  sendBytes(reply, { type: file.type, etag }, bytes);
}

/**
 * Pages load nothing from elsewhere and have no inline scripts. Cross-origin isolation gives them shared memory. Pages of
 * other sites may load the scripts as a library: the scripts are no secret.
 */
function pageHeaders(host: string): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self' blob:",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    // In some browsers, 'self' does not include WebSockets.
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

/** The body as text. Null if it is longer than `bytesMax`, or if the request ends early. Never rejects. */
export function readBody({ request }: Reply, bytesMax: number): Promise<string | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= bytesMax) chunks.push(chunk);
      else resolve(null);
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString()));
    request.on('error', () => {});
    request.on('close', () => resolve(null));
  });
}

export function fail(reply: Reply, code: ApiErrorCode, message: string): void {
  const { request, response } = reply;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.statusCode = statuses[code];
  if (code === 'token-wrong') response.setHeader('www-authenticate', 'Bearer');
  if (code === 'busy' || code === 'not-ready') response.setHeader('retry-after', '1');
  // This does not wait for the rest of the body.
  if (!request.complete) response.setHeader('connection', 'close');
  const body: ApiError = { error: { code, message } };
  sendJson(reply, body);
}
