/** A thread for the classifier, so that the pen stays smooth with a large network. */
import type { KernelBackend } from '../../shared/arithmetic/backend.js';
import { openBackend } from '../../shared/arithmetic/backends.js';
import { webAssemblyCode } from '../../shared/arithmetic/webassembly/backend.js';
import { type Classified, Classifier } from '../../shared/model/classifier.js';
import type { Model } from '../../shared/model/model.js';
import { withCertainties } from './certainty.js';

export type ToClassifier =
  | { readonly type: 'weights'; readonly model: Model; readonly step: number; readonly floats: Float32Array }
  | { readonly type: 'image'; readonly image: Uint8Array };

export type FromClassifier = Classified;

/** The part of the global scope that this thread uses: the page's type library knows only windows. */
interface Scope {
  postMessage(message: FromClassifier): void;
  onmessage: ((event: MessageEvent<ToClassifier>) => void) | null;
}

const scope = globalThis as unknown as Scope;
const backend = loadBackend();
let classifier: Classifier | null = null;
let image: Uint8Array | null = null;
/** Messages are handled one after the other; the first one waits for the kernels. */
let last: Promise<void> = Promise.resolve();

scope.onmessage = ({ data }) => {
  last = last.then(async () => receive(data, await backend));
};

async function loadBackend(): Promise<KernelBackend> {
  const response = await fetch('kernels.wasm');
  const binary = new Uint8Array(await response.arrayBuffer());
  // Nothing here logs what the kernels are, so they need no hash.
  return openBackend(webAssemblyCode(binary, () => ''));
}

function receive(message: ToClassifier, kernels: KernelBackend): void {
  if (message.type === 'image') image = message.image;
  else {
    const { model, step, floats } = message;
    if (JSON.stringify(classifier?.model) !== JSON.stringify(model)) classifier = new Classifier(kernels, model);
    classifier!.setWeights(step, floats);
  }
  if (classifier === null || image === null) return;
  scope.postMessage(withCertainties(classifier.classify(image), classifier.model.loss));
}
