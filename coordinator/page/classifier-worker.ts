/** A thread for the classifier, so that a large network does not hold up the pen. */
import { type Classified, Classifier } from '../../shared/model/classifier.js';
import type { Model } from '../../shared/model/model.js';
import { withCertainties } from './certainty.js';

export type ToClassifier =
  | { readonly type: 'weights'; readonly model: Model; readonly step: number; readonly floats: Float32Array }
  | { readonly type: 'image'; readonly image: Uint8Array };

export type FromClassifier = Classified;

/** What this thread uses of its global scope: the page's library knows windows only. */
interface Scope {
  postMessage(message: FromClassifier): void;
  onmessage: ((event: MessageEvent<ToClassifier>) => void) | null;
}

const scope = globalThis as unknown as Scope;
const binary = fetch('kernels.wasm').then(async (response) => new Uint8Array(await response.arrayBuffer()));
let classifier: Classifier | null = null;
let image: Uint8Array | null = null;
/** Messages are handled one after the other; the first one waits for the binary. */
let last: Promise<void> = Promise.resolve();

scope.onmessage = ({ data }) => {
  last = last.then(async () => receive(data, await binary));
};

function receive(message: ToClassifier, bytes: Uint8Array): void {
  if (message.type === 'image') image = message.image;
  else {
    const { model, step, floats } = message;
    if (JSON.stringify(classifier?.model) !== JSON.stringify(model)) classifier = new Classifier(bytes, model);
    classifier!.setWeights(step, floats);
  }
  if (classifier === null || image === null) return;
  scope.postMessage(withCertainties(classifier.classify(image), classifier.model.loss));
}
