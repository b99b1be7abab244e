/** A thread for the classifier, so that the pen stays smooth with a large network. */
import type { KernelBackend } from '../../shared/arithmetic/backend.js';
import { openBackend } from '../../shared/arithmetic/backends.js';
import { webAssemblyCode } from '../../shared/arithmetic/webassembly/backend.js';
import { Classifier } from '../../shared/model/classifier.js';
import { Answering, type FromClassifier, type ToClassifier } from './answering.js';

/** The part of the global scope that this thread uses: the page's type library knows only windows. */
interface Scope {
  postMessage(message: FromClassifier): void;
  onmessage: ((event: MessageEvent<ToClassifier>) => void) | null;
}

const scope = globalThis as unknown as Scope;
const answering = loadBackend().then((backend) => {
  return new Answering(
    (model) => new Classifier(backend, model),
    (answer) => scope.postMessage(answer),
  );
});

/** Messages are handled one after the other; the first one waits for the kernels. */
scope.onmessage = ({ data }) => {
  void answering.then((ready) => ready.receive(data));
};

async function loadBackend(): Promise<KernelBackend> {
  const response = await fetch('kernels.wasm');
  const binary = new Uint8Array(await response.arrayBuffer());
  // Nothing here logs what the kernels are, so they need no hash.
  return openBackend(webAssemblyCode(binary, () => ''));
}
