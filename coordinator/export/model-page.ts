/** A model as one page that needs nothing else, also when it is opened from a file. The build makes the empty page. */
import { readFileSync } from 'node:fs';
import { littleEndianBytes } from '../archive/floats.js';
import { factsOf } from './card.js';
import type { ExportedModel } from './exported-model.js';
import { contentId, type PageContent } from './page-content.js';

const template = new URL('model-page.html', import.meta.url);

/** The element of the empty page that gets the content. */
const slot = new RegExp(`(<script id="${contentId}" type="application/json">)(</script>)`);

export function modelPage(exported: ExportedModel): string {
  const { name, model, weights, config } = exported;
  const classNames = config?.dataset.classNames;
  const content: PageContent = {
    name,
    model,
    ...(classNames && { classNames }),
    weights: Buffer.from(littleEndianBytes(weights)).toString('base64'),
    facts: factsOf(exported),
  };
  // No text may end the element.
  const json = JSON.stringify(content).replaceAll('<', '\\u003c');
  return readFileSync(template, 'utf8').replace(slot, (_, begin: string, end: string) => begin + json + end);
}
