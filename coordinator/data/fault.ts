/** A phrase for each error code of the operating system, the network and zlib that a user may meet. */
const sentences: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EISDIR: 'is a directory, not a file',
  ENOTDIR: 'is a file, not a directory',
  ELOOP: 'a symbolic link leads to itself',
  EIO: 'the device reports an error',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'the disk quota is used up',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'host name lookup failed',
  ENETUNREACH: 'network unreachable',
  EHOSTUNREACH: 'host unreachable',
  ETIMEDOUT: 'connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'connection timed out',
  UND_ERR_SOCKET: 'the connection broke off',
  Z_BUF_ERROR: 'the gzip data is truncated',
  Z_DATA_ERROR: 'the gzip data is damaged',
  ERR_BUFFER_TOO_LARGE: 'it is too large',
};

/** A phrase that describes an error. `fetch` wraps the original error in others, so this function unwraps them. */
export function describeFault(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  if (Object.hasOwn(sentences, code)) return `${sentences[code]} (${code})`;
  if (error instanceof AggregateError && error.errors.length > 0) return describeFault(error.errors[0]);
  return error.cause === undefined ? error.message : describeFault(error.cause);
}
