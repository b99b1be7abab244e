#!/usr/bin/env node
/**
 * The program `lockstep`. A data set is decompressed on another thread, which takes longer than loading all modules. So
 * this file begins to read it first, and loads the command line then.
 */
import { readEarlyFor } from '../data/early.js';

const early = readEarlyFor(process.argv.slice(2));
const { runCommand } = await import('./commands.js');
await runCommand(early);
