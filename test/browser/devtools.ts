/**
 * Controls Chromium with only a few debugger commands, for measurements. Playwright watches every frame of every
 * WebSocket, which would cost more than the training itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';
import { chromiumArguments, chromiumPath } from './chromium.js';

type Reply = Record<string, unknown>;

export class DevTools {
  private nextId = 1;
  private readonly waiting = new Map<number, { resolve(result: Reply): void; reject(error: Error): void }>();
  private readonly listeners = new Set<(method: string, params: Reply) => void>();

  private constructor(
    private readonly chromium: ChildProcess,
    private readonly socket: WebSocket,
    private readonly profile: string,
  ) {
    socket.on('message', (data) => this.receive(JSON.parse(String(data))));
  }

  static async launch(): Promise<DevTools> {
    const profile = mkdtempSync(join(tmpdir(), 'lockstep-chromium-'));
    const words = ['--headless', '--remote-debugging-port=0', `--user-data-dir=${profile}`, ...chromiumArguments];
    const chromium = spawn(chromiumPath, words, { stdio: ['ignore', 'ignore', 'pipe'] });
    for await (const line of createInterface({ input: chromium.stderr! })) {
      const address = line.match(/DevTools listening on (ws:\S+)/)?.[1];
      if (address === undefined) continue;
      chromium.stderr!.resume();
      const socket = new WebSocket(address, { perMessageDeflate: false });
      await once(socket, 'open');
      return new DevTools(chromium, socket, profile);
    }
    throw new Error('chromium did not start');
  }

  /** Opens a page in a new window, or as a tab of the newest one, and attaches to it. */
  async open(url: string, newWindow = true): Promise<DevToolsPage> {
    const { targetId } = await this.send('Target.createTarget', { url, newWindow });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    return new DevToolsPage(this, String(targetId), String(sessionId));
  }

  send(method: string, params: Reply = {}, sessionId?: string): Promise<Reply> {
    const id = this.nextId++;
    this.socket.send(JSON.stringify({ id, method, params, sessionId }));
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  listen(listener: (method: string, params: Reply) => void): void {
    this.listeners.add(listener);
  }

  async close(): Promise<void> {
    const ended = once(this.chromium, 'exit');
    void this.send('Browser.close');
    await ended;
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 10 });
  }

  private receive(message: {
    id?: number;
    result?: Reply;
    error?: { message: string };
    method?: string;
    params?: Reply;
  }) {
    if (message.id === undefined) {
      for (const listener of this.listeners) listener(message.method ?? '', message.params ?? {});
      return;
    }
    const waiting = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.error === undefined) waiting?.resolve(message.result ?? {});
    else waiting?.reject(new Error(message.error.message));
  }
}

export class DevToolsPage {
  constructor(
    private readonly devTools: DevTools,
    private readonly target: string,
    private readonly session: string,
  ) {}

  async evaluate<T>(expression: string): Promise<T> {
    const words = { expression, awaitPromise: true, returnByValue: true };
    const { result } = (await this.devTools.send('Runtime.evaluate', words, this.session)) as { result: { value: T } };
    return result.value;
  }

  async bringToFront(): Promise<void> {
    await this.devTools.send('Target.activateTarget', { targetId: this.target });
  }

  async close(): Promise<void> {
    await this.devTools.send('Target.closeTarget', { targetId: this.target });
  }
}
