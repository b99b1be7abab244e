/**
 * Decides who may do what. For HTTP requests and for WebSockets, it asks the same three questions. Did the request come
 * under a name of this machine (against DNS rebinding)? Did it come from an allowed page (against cross-site
 * hijacking)? Does it have the token?
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { hostname } from 'node:os';

export interface AccessConfig {
  /** Everyone may join and look, without a token. */
  readonly isOpen: boolean;
  /** The token that controls need. */
  readonly operatorToken: string;
  /** More names under which browsers reach this machine, and names of sites whose pages may join. */
  readonly hosts: readonly string[];
}

export type Role = 'nobody' | 'member' | 'operator';

export class Access {
  private readonly hosts: ReadonlySet<string>;
  private readonly isOpen: boolean;
  /** The run's token; null until it is known, which may be after the first request. */
  private token: Buffer | null = null;
  private readonly operatorToken: Buffer;

  constructor({ isOpen, operatorToken, hosts }: AccessConfig) {
    const own = hostname().toLowerCase();
    this.hosts = new Set(['localhost', own, `${own}.local`, ...hosts.map((host) => host.toLowerCase())]);
    this.isOpen = isOpen;
    this.operatorToken = sha256(operatorToken);
  }

  get needsToken(): boolean {
    return !this.isOpen;
  }

  /** Whether the run is open or its token is known. Before that, no token can be called wrong. */
  get isSettled(): boolean {
    return this.isOpen || this.token !== null;
  }

  /** From now on, requests with this token may join and look. */
  admit(token: string): void {
    this.token = sha256(token);
  }

  /** What a request with this token, or null, may do. The time of the check reveals nothing about the right token. */
  roleOf(offered: string | null): Role {
    const hash = sha256(offered ?? '');
    const isOperator = timingSafeEqual(hash, this.operatorToken);
    const isMember = this.isOpen || (this.token !== null && timingSafeEqual(hash, this.token));
    if (isOperator) return 'operator';
    return isMember ? 'member' : 'nobody';
  }

  /** False for an unknown name. An attacker can make a name of their own point to this machine. */
  knowsHost({ host }: IncomingHttpHeaders): boolean {
    return host !== undefined && this.isOurs(parsed(`http://${host}`));
  }

  /** False for a browser that shows a page of another site, unless that was allowed. Programs send no origin. */
  knowsOrigin({ origin, host }: IncomingHttpHeaders): boolean {
    if (origin === undefined) return true;
    const page = parsed(origin);
    return page !== null && (page.host === parsed(`http://${host}`)?.host || this.hosts.has(page.hostname));
  }

  /** True for known names and for all addresses. Unlike a name, an address cannot be made to point elsewhere. */
  private isOurs(url: URL | null): boolean {
    return url !== null && (isAddress(url.hostname) || this.hosts.has(url.hostname));
  }
}

/** `Authorization: Bearer TOKEN`. */
export function bearer({ authorization }: IncomingHttpHeaders): string | null {
  return /^Bearer ([\w.~-]{1,128})$/i.exec(authorization ?? '')?.[1] ?? null;
}

function isAddress(name: string): boolean {
  return name.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(name);
}

function parsed(url: string): URL | null {
  return URL.canParse(url) ? new URL(url) : null;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
