/** Kuzushiji-MNIST: ten characters of old cursive Japanese (Clanuwat et al. 2018). */
import type { PublishedDataset } from './published-dataset.js';

export const kmnist: PublishedDataset = {
  name: 'kmnist',
  classNames: ['お', 'き', 'す', 'つ', 'な', 'は', 'ま', 'や', 'れ', 'を'],
  places: ['kmnist', 'kmnist/raw'],
  mirrors: ['https://codh.rois.ac.jp/kmnist/dataset/kmnist/', 'http://codh.rois.ac.jp/kmnist/dataset/kmnist/'],
  files: [
    {
      name: 't10k-labels-idx1-ubyte.gz',
      bytes: 10_008,
      sha256: '20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c',
    },
    {
      name: 'train-labels-idx1-ubyte.gz',
      bytes: 60_008,
      sha256: 'e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17',
    },
    {
      name: 't10k-images-idx3-ubyte.gz',
      bytes: 7_840_016,
      sha256: 'edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5',
    },
    {
      name: 'train-images-idx3-ubyte.gz',
      bytes: 47_040_016,
      sha256: '51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4',
    },
  ],
};
