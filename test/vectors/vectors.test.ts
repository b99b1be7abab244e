/** Checks that the vector files have the results of the specification, and that every backend gives the same. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { arithmetic } from '../../shared/arithmetic/identity.js';
import { backendsUnderTest } from '../shared/arithmetic/backends.js';
import { codeVectors } from './codes.js';
import { textOf, vectorFiles, vectorFolder } from './files.js';
import { functionVectorsOf } from './functions.js';
import { knownAnswerVectors } from './known-answer.js';
import { layerVectors } from './layers.js';
import { roundVectors } from './rounds.js';
import { runVectors, slotVectors } from './slots.js';

const read = (name: string) => readFileSync(new URL(name, vectorFolder), 'utf8');

describe('the vector files', () => {
  const files = vectorFiles();

  it.each(Object.keys(files))('%s is what the specification gives', (name) => {
    expect(read(name)).toBe(textOf(files[name]));
  });

  it('are all there is, beside the page that says what they are', () => {
    expect(readdirSync(vectorFolder).sort()).toEqual([...Object.keys(files), 'README.md'].sort());
    for (const name of Object.keys(files)) expect(read('README.md')).toContain(`\`${name}\``);
  });
});

describe.each(backendsUnderTest)('the backend $description', (backend) => {
  it('gives the functions of the file', () => {
    expect(textOf(functionVectorsOf(backend))).toBe(read('functions.json'));
  });

  it('gives the coded numbers of the file', () => {
    expect(textOf(codeVectors(backend))).toBe(read('codes.json'));
  });

  it('gives the slots of the file', () => {
    expect(textOf(slotVectors(backend))).toBe(read('slots.json'));
  });

  it('gives the layers of the file', () => {
    expect(textOf(layerVectors(backend))).toBe(read('layers.json'));
  });

  it('gives the known answer of the file', () => {
    expect(textOf(knownAnswerVectors(backend))).toBe(read('known-answer.json'));
  });

  it('gives the rounds of the file', () => {
    expect(textOf(roundVectors(backend))).toBe(read('rounds.json'));
  });

  it('gives the shards, evaluations and updates of the file', () => {
    expect(textOf(runVectors(backend))).toBe(read('run.json'));
  });
});

test('the page states the name of the arithmetic and the hash of its known answer', () => {
  const page = readFileSync(new URL('../COMPUTATION.md', vectorFolder), 'utf8');
  expect(page.match(/\b[0-9a-f]{64}\b/g)).toEqual([arithmetic.knownAnswer]);
  expect(page).toContain(`The name of this arithmetic is \`${arithmetic.specification}\`.`);
});
