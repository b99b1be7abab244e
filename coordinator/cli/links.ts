/**
 * The links to the dashboard and to the join page, and the command to join from a terminal. A link with a token is
 * printed to a terminal, or written to a file that only its owner can read. It is never logged.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { renderUnicodeCompact } from 'uqr';
import { fragmentOf } from '../../shared/protocol/handshake.js';
import type { JoinLinks } from '../web/state.js';
import { columnsUsual } from './wrapped.js';

/** Files in the run directory: one has the command, the other one has all links. */
const commandFile = 'join-command';
const linksFile = 'links';

export interface Links {
  /** For the operator: it has the operator's token. */
  readonly dashboard: string;
  /** For people who lend cores: the page and the command. */
  readonly page: string;
  readonly command: string;
  /** The same without tokens, for all viewers of the dashboard. */
  readonly shown: JoinLinks;
}

export interface LinkParts {
  readonly host: string;
  readonly port: number;
  readonly token: string | null;
  readonly operatorToken: string;
}

export function linksTo({ host, port, token, operatorToken }: LinkParts): Links {
  const authority = addressOf(host, port);
  const secret = fragmentOf({ token, operatorToken: null });
  const address = `ws://${authority}${token === null ? '' : `/${secret}`}`;
  return {
    dashboard: `http://${authority}/${fragmentOf({ token, operatorToken })}`,
    page: `http://${authority}/join${secret}`,
    command: `npx lockstep worker ${token === null ? address : `'${address}'`}`,
    shown: {
      url: `http://${authority}/join`,
      command: `npx lockstep worker ws://${authority}`,
      needsToken: token !== null,
    },
  };
}

/** The name or address, with the port, at which other machines reach a server that listens on `host`. */
export function addressOf(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? ownAddress() : host;
  return `${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** Tells people how to join. Returns a sentence without tokens for the log. */
export function announce(links: Links, directory: string, terminal: NodeJS.WriteStream = process.stdout): string {
  const { needsToken, command, url } = links.shown;
  if (terminal.isTTY) {
    const list = listOf(links, terminal.columns || columnsUsual);
    terminal.write(`\n${list}\n${onBlack(renderUnicodeCompact(links.page, { border: 2 }))}\n\n`);
    return 'join with a link that was printed at the start';
  }
  const path = join(directory, linksFile);
  keepPrivate(path, listOf(links));
  if (!needsToken) return `join with:  ${command}  or a browser at  ${url} (all links are in ${path})`;
  keepPrivate(join(directory, commandFile), `${links.command}\n`);
  return `the command to join is in ${join(directory, commandFile)}, all links are in ${path}`;
}

/** Each link beside what it is for, or below that if one of them would not fit into the width. */
export function listOf({ dashboard, page, command }: Links, width = Number.POSITIVE_INFINITY): string {
  const lines = [
    ['Dashboard, with its controls', dashboard],
    ['Join with a browser', page],
    ['Join with a terminal', command],
  ];
  const beside = lines.map(([what, where]) => `  ${what.padEnd(28)}  ${where}\n`);
  if (beside.every((line) => line.length <= width + 1)) return beside.join('');
  return lines.map(([what, where]) => `${what}:\n  ${where}\n`).join('');
}

/** White on black in every terminal, because cameras expect these colours. */
function onBlack(lines: string): string {
  return lines.replace(/^.*$/gm, '  \x1b[97;40m$&\x1b[0m');
}

/** Removes the old file first: writing would keep its mode, and would follow a symbolic link. */
function keepPrivate(path: string, content: string): void {
  rmSync(path, { force: true });
  writeFileSync(path, content, { mode: 0o600 });
}

/** An address at which other machines can probably reach this one. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}
