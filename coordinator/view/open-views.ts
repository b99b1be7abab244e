/** Opens the run directories that a user wants to see, and makes a server for them. */
import type { RequestListener } from 'node:http';
import { LockstepError } from '../../shared/errors.js';
import type { Processes } from '../archive/lock.js';
import type { Access } from '../web/access.js';
import { staticFiles } from '../web/static.js';
import { WebServer } from '../web/web-server.js';
import { type Comparable, compareRuns } from './comparison.js';
import type { ReadableFiles } from './readable-files.js';
import { RecordedRun } from './recorded-run.js';
import { ViewServer } from './view-server.js';
import { type ViewConfig, ViewedDirectory } from './viewed-directory.js';

/** A view of a requested run, or the reason why there is none. */
export type View = ViewedDirectory | { readonly path: string; readonly fault: string };

/** What a program serves over HTTP. */
export interface Served {
  readonly handle: RequestListener;
  /** Ends all streams. */
  close(): void;
}

/** Resolves with one view for each path, after reading all runs. Rejects with `run-invalid` if no path is a run. */
export async function openViews(
  paths: readonly string[],
  files: ReadableFiles,
  processes: Processes,
  config: Omit<ViewConfig, 'runs'>,
): Promise<View[]> {
  const views = await Promise.all(
    paths.map(async (path): Promise<View> => {
      try {
        const run = await RecordedRun.open(path, files, processes);
        return new ViewedDirectory(run, { ...config, runs: paths.length });
      } catch (error) {
        if (error instanceof LockstepError) return { path, fault: error.message };
        throw error;
      }
    }),
  );
  if (!views.some(isShown)) throw new LockstepError('run-invalid', faultsOf(views).join('\n'));
  await Promise.all(views.filter(isShown).map((view) => view.look()));
  return views;
}

export function isShown(view: View): view is ViewedDirectory {
  return view instanceof ViewedDirectory;
}

/** The reasons why some runs cannot be shown. */
export function faultsOf(views: readonly View[]): string[] {
  return views.flatMap((view) => (isShown(view) ? [] : [view.fault]));
}

/** A single run is served like the run of a coordinator. Several runs get a page that compares them. */
export function serveViews(views: readonly View[], access: Access, nowMs: () => number): Served {
  const files = new Map(staticFiles());
  // Workers cannot join a recorded run, so there is no page for joining.
  for (const path of files.keys()) if (path.startsWith('/join')) files.delete(path);
  const servers = views.map((view) =>
    isShown(view) ? new WebServer({ access, run: () => view, controls: null, nowMs, files }) : null,
  );
  const [only] = servers;
  if (servers.length === 1 && only !== null) return servedBy(only);
  const compare = () => compareRuns(views.map((view): Comparable => (isShown(view) ? view.comparable : view)));
  return servedBy(new ViewServer({ access, files, servers, compare }));
}

function servedBy(server: WebServer | ViewServer): Served {
  return { handle: (request, response) => server.handle(request, response), close: () => server.close() };
}
