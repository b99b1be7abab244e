import { object, oneOf } from '../../fields.js';
import { WindowMeans } from './average-pool.js';
import type { LayerKind } from './layer.js';
import { extentsOf, imageMisfit, Windows } from './windows.js';

/** The mean of each channel: average pooling with one window, which is the whole image. */
export interface GlobalAveragePoolDescription {
  readonly globalAveragePool: true;
}

export const globalAveragePool: LayerKind<GlobalAveragePoolDescription> = {
  check: object<GlobalAveragePoolDescription>({ globalAveragePool: oneOf(true) }),
  misfit: (_description, input) => imageMisfit(input),
  build(_description, input) {
    const image = extentsOf(input);
    return new WindowMeans(new Windows(image, image, 1), [image.channels], 'linear');
  },
};
