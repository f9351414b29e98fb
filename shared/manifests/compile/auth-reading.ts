import type { AuthClientConfig, UnsupportedAuth } from '../../gateway/auth.ts';
import { fields, flag, integer, text, textMap, type Fields } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { CORE } from '../kinds.ts';
import type { ManifestDocument } from '../types.ts';
import { notEnforced, type Scope } from './scope.ts';
import { secretKeys, secretValue } from './secret-value.ts';

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/;
/** Of the message itself, not of who sent it. */
const FRAMING: ReadonlySet<string> = new Set(['host', 'content-length', 'transfer-encoding', 'connection', 'upgrade']);

/** One method of an APIAuth or AccessControlPolicy, and where what is wrong with it is told. */
export class AuthReading {
  readonly scope: Scope;
  readonly document: ManifestDocument;
  readonly method: string;
  readonly spec: Fields;
  readonly #consequence: string;
  #closed = false;

  /** `consequence`: what gets 501 when the method cannot be served as it is written. */
  constructor(scope: Scope, document: ManifestDocument, method: string, consequence: string) {
    this.scope = scope;
    this.document = document;
    this.method = method;
    this.spec = fields(document.value, 'spec', method);
    this.#consequence = consequence;
  }

  /** Nothing is let through, and the field says why. */
  close(field: FieldPath, why: string): undefined {
    this.#closed = true;
    notEnforced(this.scope, this.document, this.at(field), `${why}; ${this.#consequence} get 501`);
  }

  /** What was read, unless something of it closes the door. */
  served<T extends object>(made: T | undefined): T | UnsupportedAuth {
    if (made !== undefined && !this.#closed) return made;
    return { kind: 'unsupported', source: this.document.ref, method: this.method };
  }

  at(field: FieldPath): FieldPath {
    return ['spec', this.method, ...field];
  }

  /** The value of a Secret; undefined, and closed, when there is none. */
  secret(field: FieldPath, name: string, keys: readonly string[], namespace?: string): string | undefined {
    const place = namespace ?? this.document.ref.namespace;
    const secret = this.scope.resolution.byId.get(`${CORE}/Secret/${place}/${name}`);
    if (secret === undefined)
      return this.close(field, `Secret "${place}/${name}" is not among the files`);
    const value = secretValue(secret, keys);
    if (value !== undefined && value !== '') return value;
    const has = secretKeys(secret).map((key) => `"${key}"`).join(', ');
    return this.close(field, `Secret "${place}/${name}" has nothing under ${keys.map((key) => `"${key}"`).join(' or ')}${has === '' ? '' : ` (it has ${has})`}`);
  } // prettier-ignore

  client(): AuthClientConfig {
    const from = fields(this.spec, 'clientConfig');
    const tls = fields(from, 'tls');
    return {
      timeoutMs: Math.min(Math.max(integer(from['timeoutSeconds']) ?? 5, 1), 60) * 1000,
      maxRetries: Math.min(Math.max(integer(from['maxRetries']) ?? 3, 0), 10),
      ca: text(tls['ca']) || undefined,
      insecureSkipVerify: flag(tls['insecureSkipVerify']) === true,
    };
  }

  /** Header → claim or metadata. */
  forwardHeaders(): Record<string, string> {
    const wanted = textMap(this.spec['forwardHeaders']);
    for (const name of Object.keys(wanted)) this.header(['forwardHeaders', name], name);
    return wanted;
  }

  /** The name of a header that may be set. */
  header(field: FieldPath, name: string): string {
    if (!HEADER_NAME.test(name) || FRAMING.has(name.toLowerCase()))
      this.close(field, `${JSON.stringify(name)} is no header that may be set`);
    return name;
  }
}
