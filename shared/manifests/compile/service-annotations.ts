import { fields, type Fields } from '../field.ts';
import { INGRESS_ANNOTATIONS } from '../kinds.ts';
import type { ManifestDocument } from '../types.ts';
import { say, type Scope } from './scope.ts';

const PREFIX = `${INGRESS_ANNOTATIONS}service.`;
const FLAGS: ReadonlySet<string> = new Set(['passhostheader', 'nativelb', 'nodeportlb']);
const OPTIONS: ReadonlySet<string> = new Set([...FLAGS, 'serversscheme', 'serverstransport', 'sticky.cookie']);
const COOKIE_TEXTS: Readonly<Record<string, string>> = {
  name: 'name',
  samesite: 'sameSite',
  path: 'path',
  domain: 'domain',
};
const COOKIE_FLAGS: Readonly<Record<string, string>> = { secure: 'secure', httponly: 'httpOnly' };
/** What Go's `strconv.ParseBool` takes. */
const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

/**
 * Traefik's options on a Service, for routes of an Ingress. Undefined, with a diagnostic, when it cannot read them: then it
 * does not serve the path.
 */
export function serviceAnnotations(scope: Scope, service: ManifestDocument | undefined): ServiceOptions | undefined {
  const annotations = fields(service?.value, 'metadata', 'annotations');
  const cookie: Record<string, unknown> = {};
  const flags: Record<string, boolean> = {};
  const options: { scheme?: string; transport?: string; sticky?: Fields } = {};
  for (const [key, value] of Object.entries(annotations)) {
    // Traefik reads option names without regard to case.
    if (service === undefined || !key.startsWith(PREFIX) || typeof value !== 'string') continue;
    const option = key.slice(PREFIX.length).toLowerCase();
    const refuse = (message: string): undefined => {
      say(
        scope,
        service,
        'route-invalid',
        ['metadata', 'annotations', key],
        `${message}: Traefik serves no Ingress that leads here`,
      );
      return undefined;
    };
    const field = option.startsWith('sticky.cookie.') ? option.slice('sticky.cookie.'.length) : '';
    if (FLAGS.has(option) || Object.hasOwn(COOKIE_FLAGS, field)) {
      if (!TRUE.has(value) && !FALSE.has(value)) return refuse(`"${value}" is neither true nor false`);
      if (field === '') flags[option] = TRUE.has(value);
      else cookie[COOKIE_FLAGS[field] ?? ''] = TRUE.has(value);
    } else if (field === 'maxage') {
      if (!/^[+-]?\d{1,15}$/.test(value)) return refuse(`"${value}" is not a whole number`);
      cookie['maxAge'] = Number(value);
    } else if (Object.hasOwn(COOKIE_TEXTS, field)) cookie[COOKIE_TEXTS[field] ?? ''] = value;
    else if (option === 'serversscheme') options.scheme = value;
    else if (option === 'serverstransport') options.transport = value;
    else if (!OPTIONS.has(option)) return refuse(`there is no option "${option}"`);
    if (field !== '' || (option === 'sticky.cookie' && TRUE.has(value))) options.sticky = { cookie };
  }
  return { ...options, passHostHeader: flags['passhostheader'] ?? true, nativeLb: flags['nativelb'] ?? false };
}

export interface ServiceOptions {
  readonly scheme?: string;
  /** `NAMESPACE-NAME@kubernetescrd`. */
  readonly transport?: string;
  readonly sticky?: Fields;
  readonly passHostHeader: boolean;
  readonly nativeLb: boolean;
}
