import type { ExportedModel } from './exported-model.js';
import type { Pieces } from './protobuf.js';

export const formatNames = ['onnx', 'safetensors', 'tfjs', 'pytorch', 'html'] as const;
export type FormatName = (typeof formatNames)[number];

/** A format that a trained model can be exported to. */
export interface ExportFormat {
  /** Its name for people. It goes on after "as": "ONNX". */
  readonly title: string;
  /** Makes the files: the pieces of each by its name. Throws `format-unsupported` if the format lacks a kind of layer. */
  files(exported: ExportedModel): Readonly<Record<string, Pieces>>;
  /** How to use the files: Markdown for the model card. */
  usage(exported: ExportedModel): string;
}
