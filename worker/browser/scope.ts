/** The type of a dedicated web worker's global scope. TypeScript's types for pages do not include it. */
export interface WorkerScope<In, Out> {
  postMessage(message: Out, handOver?: Transferable[]): void;
  addEventListener(type: 'message', receive: (event: MessageEvent<In>) => void): void;
}

export function workerScope<In, Out>(): WorkerScope<In, Out> {
  return globalThis as unknown as WorkerScope<In, Out>;
}
