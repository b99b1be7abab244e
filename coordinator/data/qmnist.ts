/** QMNIST: MNIST made again from its sources, with all 60,000 test images (Yadav, Bottou 2019). */
import type { PublishedDataset } from './published-dataset.js';

export const qmnist: PublishedDataset = {
  name: 'qmnist',
  prefix: 'qmnist',
  places: ['qmnist', 'qmnist/raw'],
  mirrors: ['https://raw.githubusercontent.com/facebookresearch/qmnist/master/'],
  // Labels are lists of eight int32. The test images also have plain labels, which are the first of the eight.
  files: [
    {
      name: 'qmnist-test-labels-idx2-int.gz',
      bytes: 1_920_012,
      sha256: '9fbcbe594c3766fdf4f0b15c5165dc0d1e57ac604e01422608bb72c906030d06',
    },
    {
      name: 'qmnist-train-labels-idx2-int.gz',
      bytes: 1_920_012,
      sha256: '2c05dc77f6b916b38e455e97ab129a42a444f3dbef09b278a366f82904e0dd9f',
    },
    {
      name: 'qmnist-test-images-idx3-ubyte.gz',
      bytes: 47_040_016,
      sha256: '43fc22bf7498b8fc98de98369d72f752d0deabc280a43a7bcc364ab19e57b375',
    },
    {
      name: 'qmnist-train-images-idx3-ubyte.gz',
      bytes: 47_040_016,
      sha256: '9e26a7bf1683614e065d7b76460ccd52807165b3f22561fb782bd9f38c52b51d',
    },
  ],
};
