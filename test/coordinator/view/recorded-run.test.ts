import { describe, expect, it } from 'vitest';
import { RecordedRun } from '../../../coordinator/view/recorded-run.js';
import { config, summary } from '../archive/samples.js';
import { directory, Heard, locks, openRecorded, processes, WrittenRun } from './fixture.js';

describe('a run directory that is read', () => {
  it('is refused in a sentence where it is none, or its configuration is damaged', async () => {
    const files = new WrittenRun();
    const open = (path: string) => RecordedRun.open(path, files, processes);
    await expect(open('/nowhere')).rejects.toMatchObject({
      code: 'run-invalid',
      message: expect.stringMatching(/^\/nowhere is no run directory: config.json: no such file/),
    });
    files.put('config.json', '{"model": 7}');
    await expect(open(directory)).rejects.toMatchObject({ code: 'run-invalid' });
  });

  it('has the name of its directory, however that is written', async () => {
    const files = new WrittenRun();
    const run = await RecordedRun.open(directory, files, processes);
    expect([run.name, run.path]).toEqual(['one', directory]);
  });

  it('tells each step once while the file grows, and all of them again after a resume has cut it off', async () => {
    const files = new WrittenRun();
    const [run, heard] = [await openRecorded(files), new Heard()];
    for (const step of [3, 3, 5]) {
      files.putSteps(1, step);
      await run.look(heard);
    }
    expect([heard.steps, heard.restarts]).toEqual([[1, 2, 3, 4, 5], 0]);
    files.putSteps(1, 2);
    await run.look(heard);
    expect([heard.steps, heard.restarts]).toEqual([[1, 2], 1]);
    expect(heard.faults).toEqual([]);
  });

  it('has a summary from its end until it is resumed', async () => {
    const files = new WrittenRun();
    const [run, heard] = [await openRecorded(files), new Heard()];
    await run.look(heard);
    expect(run.summary).toBe(null);
    files.put('summary.json', JSON.stringify(summary));
    await run.look(heard);
    expect(run.summary).toMatchObject({ steps: summary.steps, stopReason: 'epochs' });
    files.remove('summary.json');
    await run.look(heard);
    expect(run.summary).toBe(null);
    expect(heard.faults).toEqual([]);
  });

  it('follows a configuration that a resume has changed, and reads it only then', async () => {
    const files = new WrittenRun();
    const [run, heard] = [await openRecorded(files), new Heard()];
    for (let i = 0; i < 3; i++) await run.look(heard);
    expect(files.reads).toEqual(['config.json']);
    files.put('config.json', JSON.stringify({ ...config, epochs: 20 }));
    await run.look(heard);
    expect(run.config.epochs).toBe(20);
  });

  it('is worked on by a process that is alive, or that nobody here can tell to be dead', async () => {
    const files = new WrittenRun();
    const [run, heard] = [await openRecorded(files), new Heard()];
    const writerWith = async (...names: string[]) => {
      for (const name of Object.values(locks)) files.remove(name);
      for (const name of names) files.put(name, '');
      await run.look(heard);
      return run.writer;
    };
    expect(await writerWith()).toBe(null);
    expect(await writerWith(locks.dead)).toBe(null);
    expect(await writerWith(locks.dead, locks.alive)).toMatchObject({ pid: 7, host: 'here' });
    expect(await writerWith(locks.elsewhere)).toMatchObject({ pid: 8, host: 'there' });
  });

  it('says what it cannot read, and tells the rest', async () => {
    const files = new WrittenRun();
    const [run, heard] = [await openRecorded(files), new Heard()];
    files.put('summary.json', '{"steps": "many"}');
    files.put('config.json', 'not JSON');
    files.putSteps(1, 4);
    await run.look(heard);
    expect(heard.steps).toEqual([1, 2, 3, 4]);
    expect(run.config).toEqual(config);
    expect(heard.faults).toEqual([
      expect.stringContaining('/runs/one/config.json is not the configuration of a run'),
      expect.stringContaining('/runs/one/summary.json is not the summary of a run'),
    ]);
  });

  it('keeps what it knows when the directory is gone', async () => {
    const files = new WrittenRun();
    const [run, heard] = [await openRecorded(files), new Heard()];
    files.putSteps(1, 4);
    await run.look(heard);
    for (const name of ['config.json', 'metrics.jsonl']) files.remove(name);
    await run.look(heard);
    expect(run.config).toEqual(config);
    expect(heard.faults[0]).toMatch(/^\/runs\/one cannot be read: no such file/);
  });

  it('has its checkpoints in the order of their steps', async () => {
    const files = new WrittenRun();
    const run = await openRecorded(files);
    for (const name of ['step-100000000.safetensors', 'step-00000009.safetensors', 'step-00000009.safetensors.tmp']) {
      files.put(`checkpoints/${name}`, '');
    }
    await run.look(new Heard());
    expect(run.checkpoints).toEqual(['step-00000009.safetensors', 'step-100000000.safetensors']);
  });
});
