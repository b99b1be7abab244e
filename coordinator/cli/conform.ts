/** `lockstep conform`: checks whether a worker in any language follows the specification. */
import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { arithmetic } from '../../shared/arithmetic/identity.js';
import { LockstepError } from '../../shared/errors.js';
import { parseFragment } from '../../shared/protocol/handshake.js';
import { conform } from '../conform/conform.js';
import { waits } from '../conform/conversation.js';
import { LineReport } from '../conform/report.js';
import { SocketDoor } from '../conform/socket-door.js';
import { closeServer, listen } from '../fleet/gateway.js';

/** The default port. It differs from the coordinator's 8080 and from ports that are often in use. */
const conformPort = 8082;

export interface ConformCommand {
  /** Where it listens: ws://HOST:PORT, with a token behind a # if the worker must offer one. */
  readonly url: string;
  /** Stands for the port of the URL. */
  readonly port?: number | undefined;
  /** Seconds. */
  readonly wait: number;
}

/** Resolves with the exit code: 0 if the worker conforms. */
export async function runConform({ url, port, wait }: ConformCommand): Promise<number> {
  const where = addressOf(url, port);
  const server = await listen(where.host, where.port, (_, response) => response.writeHead(404).end());
  const listener = new SocketDoor(server, where.token);
  const report = new LineReport((line) => process.stdout.write(`${line}\n`));
  const { port: actual } = server.address() as AddressInfo;
  const join = `ws://${where.name}:${actual}/${where.token === null ? '' : `#${where.token}`}`;
  process.stdout.write(`Listening. Start your worker with this address, for example:\n\n`);
  process.stdout.write(`    npx lockstep worker '${join}'\n\n`);
  process.stdout.write(`It must connect within ${wait} s, and come back four times. Start it again if it does not.\n`);
  await conform(listener, report, { knownAnswer: arithmetic.knownAnswer, sha256, waits, connectMs: 1000 * wait });
  listener.stop();
  await closeServer(server, 0);
  process.stdout.write(`${report.summary()}\n`);
  return report.failures === 0 ? 0 : 1;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

interface Where {
  /** To listen on, and as people write it. */
  readonly host: string;
  readonly name: string;
  readonly port: number;
  readonly token: string | null;
}

function addressOf(address: string, port: number | undefined): Where {
  const whole = /^[a-z]+:\/\//i.test(address) ? address : `ws://${address}`;
  const url = URL.canParse(whole) ? new URL(whole) : null;
  if (url === null || url.protocol !== 'ws:' || url.hostname === '') {
    throw new LockstepError('usage', `${address} is no address to listen on: use ws://HOST:PORT`);
  }
  const { token } = parseFragment(url.hash);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { host, name: url.hostname, port: port ?? Number(url.port || conformPort), token };
}
