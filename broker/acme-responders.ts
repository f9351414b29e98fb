import type { Authorization } from 'acme-client';
import type { Logger } from 'pino';
import { callDnsHook } from './acme-dns-hook.ts';
import type { DnsHook } from './acme-dns-hook.ts';
import type { AcmeHttpListener } from './acme-http-listener.ts';
import { messageOf } from './acme-reach.ts';
import type { TlsFront } from './tls-front.ts';

/** What an authority asks for, to see that a name leads here. */
export interface Challenge {
  readonly authorization: Authorization;
  readonly token: string;
  /** What is to be shown: the key authorization (RFC 8555 §8.1), of DNS-01 its digest. */
  readonly answer: string;
}

/** Answers one kind of challenge. */
export interface AcmeResponder {
  readonly kind: 'dns-01' | 'http-01' | 'tls-alpn-01';
  /** Resolves when the authority may look. */
  give(challenge: Challenge, signal: AbortSignal): Promise<void>;
  /** Does not reject: what the authority said before counts. */
  takeBack(challenge: Challenge, signal: AbortSignal): Promise<void>;
}

/** What removing a record may take from the end of a broker that is told to stop. */
const LAST_REMOVAL_MS = 2_000;

/** RFC 8555 §8.4, the only kind for wildcards. */
export function dnsResponder(hook: DnsHook, log: Logger): AcmeResponder {
  const nameOf = ({ authorization }: Challenge): string => `_acme-challenge.${authorization.identifier.value}`;
  return {
    kind: 'dns-01',
    give: (challenge, signal) => callDnsHook(hook, ['add', nameOf(challenge), challenge.answer], signal),
    async takeBack(challenge, signal) {
      const timeoutMs = signal.aborted ? Math.min(LAST_REMOVAL_MS, hook.timeoutMs) : hook.timeoutMs;
      const name = nameOf(challenge);
      try {
        // The signal may have ended the order already, and the record is to go all the same.
        await callDnsHook({ ...hook, timeoutMs }, ['remove', name, challenge.answer], new AbortController().signal);
      } catch (error) {
        log.warn({ record: name, reason: messageOf(error) }, 'the TXT record of a challenge may be there still');
      }
    },
  };
}

/** RFC 8555 §8.3. */
export function httpResponder(listener: AcmeHttpListener): AcmeResponder {
  return {
    kind: 'http-01',
    async give({ token, answer }) {
      listener.answer(token, answer);
    },
    async takeBack({ token }) {
      listener.answer(token, undefined);
    },
  };
}

/** RFC 8737. */
export function tlsAlpnResponder(front: TlsFront): AcmeResponder {
  return {
    kind: 'tls-alpn-01',
    async give({ authorization, answer }) {
      const { crypto } = await import('acme-client');
      const keys = await Promise.all([crypto.createPrivateEcdsaKey('P-256'), crypto.createPrivateRsaKey(2048)]);
      const made = await Promise.all(keys.map((key) => crypto.createAlpnCertificate(authorization, answer, key)));
      const pairs = made.map(([key, cert]) => ({ key: key.toString(), cert: cert.toString() }));
      front.challenge(authorization.identifier.value, pairs);
    },
    async takeBack({ authorization }) {
      front.challenge(authorization.identifier.value, undefined);
    },
  };
}
