/** Writes the vector files again, from the scalar specification: `node dist/test/vectors/main.js`. */
import { writeFileSync } from 'node:fs';
import { textOf, vectorFiles, vectorFolder } from './files.js';

for (const [name, vectors] of Object.entries(vectorFiles())) {
  writeFileSync(new URL(name, vectorFolder), textOf(vectors));
  process.stdout.write(`wrote shared/vectors/${name}\n`);
}
