/** Answers the pad: classifies the newest image by the newest weights. */
import { withCertainties } from '../../shared/model/certainty.js';
import type { Classified, Classifier } from '../../shared/model/classifier.js';
import type { Model } from '../../shared/model/model.js';

export type ToClassifier =
  | { readonly type: 'weights'; readonly model: Model; readonly step: number; readonly floats: Float32Array }
  | { readonly type: 'image'; readonly image: Uint8Array };

export type FromClassifier = Classified;

export class Answering {
  private classifier: Classifier | null = null;
  private image: Uint8Array | null = null;

  constructor(
    private readonly classifierFor: (model: Model) => Classifier,
    private readonly answer: (answer: FromClassifier) => void,
  ) {}

  receive(message: ToClassifier): void {
    if (message.type === 'image') this.image = message.image;
    else this.setWeights(message);
    if (this.classifier === null || this.image === null) return;
    this.answer(withCertainties(this.classifier.classify(this.image), this.classifier.model.loss));
  }

  private setWeights({ model, step, floats }: Extract<ToClassifier, { readonly type: 'weights' }>): void {
    if (JSON.stringify(this.classifier?.model) !== JSON.stringify(model)) this.classifier = this.classifierFor(model);
    this.classifier!.setWeights(step, floats);
  }
}
