/**
 * Controls Chromium with only a few debugger commands, for measurements. Playwright watches every frame of every
 * WebSocket, which would cost more than the training itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { chromiumArguments, chromiumPath } from './chromium.js';

type Reply = Record<string, unknown>;

export class DevTools {
  private nextId = 1;
  private readonly waiting = new Map<number, { resolve(result: Reply): void; reject(error: Error): void }>();
  private readonly listeners = new Set<(method: string, params: Reply) => void>();

  private constructor(
    private readonly chromium: ChildProcess,
    private readonly commands: Writable,
    replies: Readable,
    private readonly profile: string,
  ) {
    process.on('exit', () => chromium.kill('SIGKILL'));
    let text = '';
    replies.setEncoding('utf8').on('data', (piece) => {
      const messages = (text + piece).split('\0');
      text = messages.pop() ?? '';
      for (const message of messages) this.receive(JSON.parse(message));
    });
  }

  /** `wrap` makes the command that starts Chromium on a host, within a quota. */
  static launch(wrap = (words: readonly string[]) => words): DevTools {
    const profile = mkdtempSync(join(tmpdir(), 'lockstep-chromium-'));
    const words = [chromiumPath, '--headless', '--remote-debugging-pipe', `--user-data-dir=${profile}`];
    const [program, ...rest] = wrap([...words, ...chromiumArguments]);
    // Chromium reads commands from descriptor 3, and writes replies to descriptor 4.
    const chromium = spawn(program, rest, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    return new DevTools(chromium, chromium.stdio[3] as Writable, chromium.stdio[4] as Readable, profile);
  }

  /** Opens a page in a new window, or as a tab of the newest one, and attaches to it. */
  async open(url: string, newWindow = true): Promise<DevToolsPage> {
    const { targetId } = await this.send('Target.createTarget', { url, newWindow });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    return new DevToolsPage(this, String(targetId), String(sessionId));
  }

  /** Opens a page that shares no cache and no process with others. */
  async openAlone(url: string): Promise<DevToolsPage> {
    const { browserContextId } = await this.send('Target.createBrowserContext');
    const { targetId } = await this.send('Target.createTarget', { url, browserContextId });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    return new DevToolsPage(this, String(targetId), String(sessionId));
  }

  send(method: string, params: Reply = {}, sessionId?: string): Promise<Reply> {
    const id = this.nextId++;
    this.commands.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
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

  /** Goes to another address. Resolves when it has begun to. */
  async navigate(url: string): Promise<void> {
    await this.devTools.send('Page.navigate', { url }, this.session);
  }

  /** Processor time that the page's renderer process has used. */
  async processSeconds(): Promise<number> {
    await this.devTools.send('Performance.enable', {}, this.session);
    const { metrics } = await this.devTools.send('Performance.getMetrics', {}, this.session);
    const time = (metrics as { name: string; value: number }[]).find(({ name }) => name === 'ProcessTime');
    if (time === undefined) throw new Error('this Chromium does not say how much time a process has used');
    return time.value;
  }

  /** A picture of the whole page, PNG. */
  async picture(width: number): Promise<Buffer> {
    const size = { width, height: 844, deviceScaleFactor: 1, mobile: false };
    await this.devTools.send('Emulation.setDeviceMetricsOverride', size, this.session);
    const shot = await this.devTools.send('Page.captureScreenshot', { captureBeyondViewport: true }, this.session);
    return Buffer.from(String(shot.data), 'base64');
  }

  async bringToFront(): Promise<void> {
    await this.devTools.send('Target.activateTarget', { targetId: this.target });
  }

  async close(): Promise<void> {
    await this.devTools.send('Target.closeTarget', { targetId: this.target });
  }
}
