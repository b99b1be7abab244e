/** Evaluates recorded weights on a thread. The thread starts with the first request. */
import { Worker } from 'node:worker_threads';
import type { BackendHandOver } from '../../shared/arithmetic/backend.js';
import { LockstepError } from '../../shared/errors.js';
import type { EvaluationState } from '../web/state.js';
import type { EvaluationAnswer, EvaluationRequest, ThreadData } from './evaluation-thread.js';

export interface Evaluator {
  /** Rejects with `data-unavailable` if the test set is not on this machine. */
  evaluate(request: Omit<EvaluationRequest, 'id'>): Promise<EvaluationState>;
}

interface Waiting {
  readonly resolve: (evaluation: EvaluationState) => void;
  readonly reject: (error: Error) => void;
}

const threadFile = new URL('./evaluation-thread.js', import.meta.url);

export class ThreadEvaluator implements Evaluator {
  private worker: Worker | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;

  constructor(private readonly backend: BackendHandOver) {}

  evaluate(request: Omit<EvaluationRequest, 'id'>): Promise<EvaluationState> {
    this.worker ??= this.start();
    const id = this.nextId++;
    this.worker.postMessage({ ...request, id } satisfies EvaluationRequest);
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  async close(): Promise<void> {
    await this.worker?.terminate();
  }

  private start(): Worker {
    const worker = new Worker(threadFile, { workerData: { backend: this.backend } satisfies ThreadData });
    worker.on('message', (answer: EvaluationAnswer) => this.answered(answer));
    worker.on('error', (error) => this.ended(error));
    worker.on('exit', () => this.ended(new Error('the thread has ended')));
    // The thread alone does not keep the process alive.
    worker.unref();
    return worker;
  }

  private answered(answer: EvaluationAnswer): void {
    const waiting = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if ('evaluation' in answer) waiting?.resolve(answer.evaluation);
    else waiting?.reject(new LockstepError('data-unavailable', answer.fault));
  }

  /** Rejects all waiting requests. The next request starts another thread. */
  private ended(error: Error): void {
    this.worker = null;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
