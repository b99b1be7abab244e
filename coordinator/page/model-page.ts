/**
 * The page of an exported model: the pad, and what is known of the model. The build puts the kernels into this script,
 * and the export puts the model into the page. It loads nothing, so it also works when it is opened from a file.
 */
import { openBackend } from '../../shared/arithmetic/backends.js';
import { webAssemblyCode } from '../../shared/arithmetic/webassembly/backend.js';
import kernels from '../../shared/arithmetic/webassembly/kernels.wasm';
import { Classifier } from '../../shared/model/classifier.js';
import type { Model } from '../../shared/model/model.js';
import { contentId, type PageContent } from '../export/page-content.js';
import { Answering } from './answering.js';
import { type Connect, Drawing } from './drawing.js';
import { create, find } from './elements.js';

const { name, model, classNames, weights, facts } = JSON.parse(find(contentId, HTMLScriptElement).text) as PageContent;

document.title = `${name}: Lockstep`;
find('name', HTMLElement).textContent = name;
find('facts', HTMLElement).replaceChildren(
  ...facts.flatMap(([fact, text]) => [create('dt', { text: fact }), create('dd', { text })]),
);
find('description', HTMLElement).textContent = JSON.stringify(model, null, 2);

/** A page from a file may start no thread from another file, so this one classifies by itself. */
const inPage: Connect = (receive) => {
  const answering = new Answering(newClassifier, receive);
  return (message) => answering.receive(message);
};

/** Some browsers have no vectors in WebAssembly, or compile it in threads alone. The scalar kernels give the same bits. */
function newClassifier(model: Model): Classifier {
  try {
    return new Classifier(openBackend(webAssemblyCode(kernels, () => '')), model);
  } catch {
    return new Classifier(openBackend({ name: 'scalar', code: null }), model);
  }
}

const bytes = Uint8Array.from(atob(weights), (character) => character.charCodeAt(0));
const drawing = new Drawing(() => '', inPage);
drawing.setWeights({ step: 0, floats: new Float32Array(bytes.buffer) }, model, classNames);
