/** Answers to HTTP requests: bytes under an ETag, JSON, or a fault as JSON with a stable code. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiError, ApiErrorCode } from './state.js';

export interface Reply {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export interface Content {
  readonly type: string;
  /** Quoted. With one, a client that has these bytes is told so, and asks each time. Without: not to be stored. */
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
  if (etag !== undefined) {
    response.setHeader('etag', etag);
    if (request.headers['if-none-match'] === etag) {
      response.statusCode = 304;
      response.removeHeader('content-encoding');
      response.end();
      return;
    }
  }
  response.setHeader('content-type', type);
  response.setHeader('content-length', bytes.length);
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

export function sendJson(reply: Reply, body: unknown, etag?: string): void {
  sendBytes(reply, { type: 'application/json; charset=utf-8', etag }, Buffer.from(JSON.stringify(body)));
}

export function fail(reply: Reply, code: ApiErrorCode, message: string): void {
  const { response } = reply;
  if (response.headersSent) return void response.destroy();
  response.statusCode = statuses[code];
  if (code === 'token-wrong') response.setHeader('www-authenticate', 'Bearer');
  if (code === 'busy' || code === 'not-ready') response.setHeader('retry-after', '1');
  const body: ApiError = { error: { code, message } };
  sendJson(reply, body);
}
