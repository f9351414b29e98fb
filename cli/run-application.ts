import { join, resolve } from 'node:path';
import { createApplication } from '../main/application.ts';
import { createKube } from '../main/kube/create-kube.ts';
import { createLocalStack } from '../main/stack/local-stack.ts';
import { DEFAULT_BROKERS } from '../main/stack/preview-run.ts';
import { defaultStateDir, developmentCaDir } from '../main/state-folders.ts';
import { startWebShell } from '../main/web/web-shell.ts';
import { version } from '../shared/version.ts';
import { installationDir } from './application-folders.ts';
import { CommandFailed, EXIT } from './errors.ts';
import type { ListenAddress } from './listen-address.ts';
import { stderrLog } from './stderr-log.ts';

export interface ApplicationFlags {
  readonly dir?: string | undefined;
  /** Opens a copy of the sample when no `dir` is given. */
  readonly sample?: boolean | undefined;
  readonly listen: ListenAddress;
  readonly stateDir?: string | undefined;
  readonly verbose?: boolean | undefined;
}

export interface ApplicationRun {
  /** Signs in once. */
  readonly url: string;
  /** Settles when the application has ended: by a signal, or by `close`. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

const CLOSE_WITHIN_MS = 4_500;

/** The whole application behind the web shell, in this process, until SIGINT, SIGTERM or SIGHUP. */
export async function runApplication(flags: ApplicationFlags): Promise<ApplicationRun> {
  const installation = installationDir();
  const stateDir = resolve(flags.stateDir ?? defaultStateDir());
  const log = stderrLog(flags.verbose ? 'debug' : 'warn');
  const application = await createApplication({
    stateDir,
    sampleDir: join(installation, 'examples/petstore'),
    ...(flags.dir === undefined ? {} : { initialDir: resolve(flags.dir) }),
    version,
    shell: 'web',
    stack: createLocalStack({
      stateDir: join(stateDir, 'stack'),
      developmentCa: developmentCaDir(),
      brokers: DEFAULT_BROKERS,
      onLog: (name, text) => log.debug(`${name}: ${text}`),
    }),
    kube: createKube(),
    log,
  });
  let stop: (() => void) | undefined;
  const stopped = new Promise<void>((done) => (stop = done));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop?.());

  try {
    if (application.opened && !application.opened.ok) throw new CommandFailed(application.opened.error, EXIT.usage);
    if (flags.dir === undefined && flags.sample) {
      const opened = await application.handlers.workspaceOpenSample({}, AbortSignal.timeout(30_000));
      if (!opened.ok) throw new CommandFailed(opened.error);
    }
    const shell = await startWebShell({
      application,
      staticDir: join(installation, 'dist/renderer'),
      host: flags.listen.host,
      port: flags.listen.port,
      log,
    });
    const ended = stopped.then(async () => {
      // Whatever still hangs is a child on a leash: it ends with this process.
      const late = setTimeout(() => process.exit(EXIT.ok), CLOSE_WITHIN_MS);
      await shell.close();
      await application.close();
      clearTimeout(late);
    });
    return {
      url: shell.url,
      ended,
      close: () => {
        stop?.();
        return ended;
      },
    };
  } catch (error) {
    await application.close();
    throw error;
  }
}
