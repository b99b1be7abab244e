/** The global scope of a dedicated web worker, which the types of a page do not have. */
export interface WorkerScope<In, Out> {
  postMessage(message: Out, handOver?: Transferable[]): void;
  addEventListener(type: 'message', receive: (event: MessageEvent<In>) => void): void;
}

export function workerScope<In, Out>(): WorkerScope<In, Out> {
  return globalThis as unknown as WorkerScope<In, Out>;
}
