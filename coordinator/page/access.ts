/**
 * The tokens of this tab. The link has them in its fragment, which browsers send to nobody. The tab keeps them, and sends
 * them in a header, never in an address.
 */
import { type Credentials, credentialsKey, fragmentOf, parseFragment } from '../../shared/protocol/handshake.js';
import type { ApiError } from '../web/state.js';

/** Takes the tokens out of the address, or returns those that this tab was given before. The tab keeps them for a reload. */
export function collectCredentials(): Credentials {
  const given = parseFragment(location.hash);
  const kept = parseFragment(sessionStorage.getItem(credentialsKey) ?? '');
  const credentials = {
    token: given.token ?? kept.token,
    operatorToken: given.operatorToken ?? kept.operatorToken,
  };
  keepCredentials(credentials);
  if (location.hash !== '') history.replaceState(null, '', location.pathname + location.search);
  return credentials;
}

export function keepCredentials(credentials: Credentials): void {
  sessionStorage.setItem(credentialsKey, fragmentOf(credentials));
}

/**
 * Sends a request with the token that it needs. Looking needs only the run's token, which stays valid when the coordinator
 * is started again; the operator's token does not.
 */
export async function request(credentials: Credentials, path: string, init: RequestInit = {}): Promise<Response> {
  const { token: runToken, operatorToken } = credentials;
  const token = init.method === 'POST' ? operatorToken : (runToken ?? operatorToken);
  const headers = new Headers(init.headers);
  if (token !== null) headers.set('Authorization', `Bearer ${token}`);
  return fetch(path, { ...init, headers });
}

/** Why a request was not granted, in a sentence. */
export async function reasonOf(response: Response): Promise<string> {
  const body = (await response.json().catch(() => null)) as ApiError | null;
  return body?.error?.message ?? `the answer has status ${response.status}`;
}
