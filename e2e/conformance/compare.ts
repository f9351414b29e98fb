import { STATUS_CODES } from 'node:http';
import type { Received } from './echo-services.ts';
import type { Answer } from './exchange.ts';

/** A difference that is meant, with its reason; `docs/conformance.md` lists them. */
export interface Allowed {
  readonly what: string;
  readonly why: string;
}

const RESPONSE_HEADERS: Readonly<Record<string, string>> = {
  date: 'the time of the answer',
  connection: 'belongs to the connection',
  'keep-alive': 'belongs to the connection',
  'transfer-encoding': 'framing belongs to the connection',
};
const REQUEST_HEADERS: Readonly<Record<string, string>> = {
  connection: 'belongs to the connection',
  'x-forwarded-host': 'the visitor asked for the preview host; Host itself is compared',
  'x-forwarded-port': 'the port of the public listener',
  'x-forwarded-server': 'the name of the machine or container that runs the gateway',
  'x-request-id': 'set by the broker when the visitor sends none',
};
const OWN_HEADERS: Readonly<Record<string, string>> = {
  'content-type': "the gateway's own answers are problem documents (RFC 9457)",
  'content-length': "the gateway's own answers are problem documents (RFC 9457)",
  'x-content-type-options': 'Go adds it to its plain-text errors',
  'cache-control': 'own answers of the preview are never stored',
};

/** What may differ anywhere, for the document. */
export function allowedEverywhere(): Allowed[] {
  const rows = (where: string, table: Readonly<Record<string, string>>): Allowed[] =>
    Object.entries(table).map(([name, why]) => ({ what: `${where} \`${name}\``, why }));
  return [
    ...rows('response', RESPONSE_HEADERS),
    ...rows('request to the upstream', REQUEST_HEADERS),
    ...rows("gateway's own answer", OWN_HEADERS),
    { what: "gateway's own answer: body", why: 'problem documents (RFC 9457) that say more than the status text' },
  ];
}

/** Where two answers differ beyond what is allowed; empty when they agree. `ignore` names further headers of one case. */
export function differences(reference: Answer, subject: Answer, ignore: readonly string[] = []): string[] {
  const found: string[] = [];
  const differ = (what: string, a: unknown, b: unknown): void => {
    if (JSON.stringify(a) !== JSON.stringify(b)) {
      found.push(`${what}: Traefik ${JSON.stringify(a)}, adit ${JSON.stringify(b)}`);
    }
  };
  differ('status', reference.status, subject.status);
  const own =
    reference.status >= 400 &&
    (reference.received.length === 0 || reference.body.trim() === STATUS_CODES[reference.status]);
  const skip = new Set([...Object.keys(RESPONSE_HEADERS), ...ignore, ...(own ? Object.keys(OWN_HEADERS) : [])]);
  differHeaders('response', reference.headers, subject.headers, skip, found);
  if (!own) differ('body', reference.body, subject.body);
  differ(
    'services reached',
    reference.received.map(({ service }) => service),
    subject.received.map(({ service }) => service),
  );
  const skipSent = new Set([...Object.keys(REQUEST_HEADERS), ...ignore]);
  for (const [at, sent] of reference.received.entries()) {
    const other: Received | undefined = subject.received[at];
    if (other === undefined) continue;
    const where = `request ${at + 1} to the upstream`;
    differ(`${where}: method`, sent.method, other.method);
    differ(`${where}: target`, sent.target, other.target);
    differ(`${where}: body`, sent.body, other.body);
    differHeaders(where, sent.headers, other.headers, skipSent, found);
  }
  return found;
}

type Headers = Answer['headers'];

function differHeaders(where: string, a: Headers, b: Headers, skip: ReadonlySet<string>, found: string[]): void {
  const names = new Set([...a, ...b].map(([name]) => name).filter((name) => !skip.has(name)));
  for (const name of [...names].toSorted()) {
    const [left, right] = [valuesOf(a, name), valuesOf(b, name)];
    if (JSON.stringify(left) !== JSON.stringify(right)) {
      found.push(`${where} ${name}: Traefik ${JSON.stringify(left)}, adit ${JSON.stringify(right)}`);
    }
  }
}

function valuesOf(headers: Headers, name: string): string[] {
  return headers.filter(([other]) => other === name).map(([, value]) => value);
}
