import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';

import { apiServer } from './api-server.ts';
import { ControlPlane } from './control-plane.ts';
import { lockDatabase } from './database-lock.ts';
import { openDatabase } from './database.ts';
import { ControlError } from './errors.ts';
import { parseOptions } from './options.ts';
import type { ControlOptions } from './options.ts';

export type { ControlOptions } from './options.ts';

const API_VERSION = '1.0.0';
const SWEEP_EVERY_MS = 1000;

export interface Control {
  /** `HOST:PORT` it listens on. */
  readonly address: string;
  /** A new key signs from now on; the old one stays published while its tokens live. */
  rotateKey(): Promise<void>;
  /** Ends listeners and connections, then the database. Calling it again is no error. */
  close(): Promise<void>;
}

/**
 * Starts the control plane. Rejects with `ControlError`: `invalid-option`, `database-unusable`, `database-in-use`,
 * `address-unavailable`.
 */
export async function startControl(options: ControlOptions): Promise<Control> {
  const parsed = parseOptions(options);
  const { log } = options;
  const now = options.now ?? Date.now;
  const lock = lockDatabase(parsed.database);
  const database = openLocked(parsed.database, lock);
  const plane = new ControlPlane({
    database,
    issuer: parsed.issuer,
    domain: parsed.domain,
    publicUrl: parsed.publicUrl,
    nameBits: parsed.nameBits,
    tokenSeconds: parsed.tokenSeconds,
    limits: parsed.leaseLimits,
    randomBytes: options.randomBytes ?? randomBytes,
  });
  const sweep = setInterval(() => {
    plane.sweep(now()).catch((error: unknown) => log.error({ err: error }, 'sweep failed'));
  }, SWEEP_EVERY_MS);
  const end = (): void => {
    clearInterval(sweep);
    plane.close();
    database.close();
    lock.release();
  };

  try {
    await plane.keys.ensure(now());
    const app = await apiServer({
      plane,
      enrolmentKeys: parsed.enrolmentKeys,
      brokerKeys: parsed.brokerKeys,
      limits: parsed.leaseLimits,
      version: API_VERSION,
      log,
      now,
    });
    await app.listen({ host: parsed.host, port: parsed.port });
    const bound = app.server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : parsed.port;
    let closing: Promise<void> | undefined;
    return {
      address: `${parsed.host.includes(':') ? `[${parsed.host}]` : parsed.host}:${port}`,
      rotateKey: () => plane.keys.rotate(now()),
      close: () => {
        plane.listeners.close();
        closing ??= app.close().then(end);
        return closing;
      },
    };
  } catch (error) {
    end();
    if (error instanceof ControlError) throw error;
    throw new ControlError('address-unavailable', `cannot listen on ${parsed.host}:${parsed.port}: ${String(error)}`, {
      hint: 'Choose another port, or 0 to let the system choose.',
      cause: error,
    });
  }
}

function openLocked(path: string, lock: { release(): void }): DatabaseSync {
  try {
    return openDatabase(path);
  } catch (error) {
    lock.release();
    throw error;
  }
}
