/** Tokens that keep strangers out of what this process serves: where they come from, and which ones are good enough. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { LockstepError } from '../../shared/errors.js';
import { limits } from '../../shared/limits.js';
import { isToken } from '../../shared/protocol/handshake.js';

/** The token that the user gives in a file or in LOCKSTEP_TOKEN, or null if there is none. */
export function givenToken(tokenFile: string | undefined): string | null {
  const given = tokenFile === undefined ? process.env.LOCKSTEP_TOKEN : readToken(tokenFile);
  return given === undefined || given === '' ? null : checkedToken(given);
}

/** 128 bits. */
export function newToken(): string {
  return randomBytes(16).toString('hex');
}

export function readToken(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new LockstepError('usage', `cannot read the token file: ${error instanceof Error ? error.message : error}`);
  }
}

/** A token is sent in a header of the handshake, which allows only these characters. */
export function checkedToken(token: string): string {
  if (token.length >= limits.tokenLengthMin && isToken(token)) return token;
  throw new LockstepError(
    'usage',
    `a token has ${limits.tokenLengthMin} to ${limits.tokenLengthMax} letters, digits, or . _ ~ -: for example that of openssl rand -hex 16`,
  );
}

/** Whether only programs of this machine reach an address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}
