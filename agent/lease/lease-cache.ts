import { join } from 'node:path';

import { z } from 'zod';

import { enrolReply } from '../../shared/control/api.ts';
import type { EnrolReply } from '../../shared/control/api.ts';

import { held } from './held-hosts.ts';
import type { Held } from './held-hosts.ts';
import { readStateFile, removeStateFile, writeStateFile } from './state-file.ts';

const identityFile = enrolReply.extend({ control: z.string() });
const leaseFile = z.object({ control: z.string(), agentId: z.string(), held });

/**
 * What outlives the process: `agent.json` (who we are) and `lease.json` (what we hold), each for the control plane that
 * gave it. A secret is never sent to another one.
 */
export class LeaseCache {
  readonly #identityPath: string;
  readonly #leasePath: string;
  readonly #control: string;
  #writing: Promise<void> = Promise.resolve();

  constructor(stateDir: string, controlUrl: string) {
    this.#identityPath = join(stateDir, 'agent.json');
    this.#leasePath = join(stateDir, 'lease.json');
    this.#control = controlName(controlUrl);
  }

  async identity(): Promise<EnrolReply | undefined> {
    const found = await readStateFile(this.#identityPath, identityFile);
    return found?.control === this.#control ? { agentId: found.agentId, secret: found.secret } : undefined;
  }

  saveIdentity(identity: EnrolReply): Promise<void> {
    return writeStateFile(this.#identityPath, { control: this.#control, ...identity });
  }

  async held(agentId: string): Promise<Held | undefined> {
    const found = await readStateFile(this.#leasePath, leaseFile);
    return found?.control === this.#control && found.agentId === agentId ? found.held : undefined;
  }

  saveHeld(agentId: string, now: Held): Promise<void> {
    return this.#inTurn(() => writeStateFile(this.#leasePath, { control: this.#control, agentId, held: now }));
  }

  forgetHeld(): Promise<void> {
    return this.#inTurn(() => removeStateFile(this.#leasePath));
  }

  /** One after the other, so that what was held earlier never overwrites what was held later. */
  #inTurn(write: () => Promise<void>): Promise<void> {
    const done = this.#writing.then(write);
    this.#writing = done.catch(() => undefined);
    return done;
  }
}

/** A control plane of this machine may come back on another port; any other is its origin. */
function controlName(url: string): string {
  const { hostname, origin } = new URL(url);
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname) ? 'loopback' : origin;
}
