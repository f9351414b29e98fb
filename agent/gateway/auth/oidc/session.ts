import { z } from 'zod';
import type { CookieConfig, OidcConfig } from '../../../../shared/gateway/auth.ts';
import { AgentError } from '../../../errors.ts';
import { cookieValue } from '../../api-keys.ts';
import type { OutgoingRequest } from '../../middlewares/outgoing-request.ts';
import type { RequestView } from '../../request-view.ts';
import { SealedText } from './sealed-text.ts';

/** RFC 6265 §6.1: browsers keep cookies of 4096 bytes, name and attributes counted. */
const MAX_COOKIE = 3_800;

const sessionShape = z.object({
  claims: z.record(z.string(), z.unknown()),
  /** Seconds since 1970. */
  until: z.number(),
  refreshToken: z.string().optional(),
});
export type Session = z.infer<typeof sessionShape>;

const pendingShape = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  /** Where the visitor wanted to go: path and query. */
  back: z.string(),
  until: z.number(),
});
/** A login that began. */
export type Pending = z.infer<typeof pendingShape>;

/** One sealed cookie. */
class SealedCookie<Shape extends z.ZodType> {
  readonly name: string;
  readonly #config: CookieConfig;
  readonly #sealed: SealedText;
  readonly #shape: Shape;

  constructor(name: string, config: CookieConfig, sealed: SealedText, shape: Shape) {
    this.name = name;
    this.#config = config;
    this.#sealed = sealed;
    this.#shape = shape;
  }

  read(view: RequestView): z.infer<Shape> | undefined {
    const value = cookieValue(view, this.name);
    const text = value === undefined ? undefined : this.#sealed.open(value);
    if (text === undefined) return undefined;
    const parsed = this.#shape.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  }

  /** A `Set-Cookie` line. */
  write(value: z.infer<Shape>, secure: boolean): string {
    const sealed = this.#sealed.seal(JSON.stringify(value));
    if (sealed.length > MAX_COOKIE)
      throw new AgentError('claim-unfit', `What the provider says of the visitor does not fit into a cookie.`);
    return `${this.name}=${sealed}${this.#attributes(secure)}`;
  }

  clear(secure: boolean): string {
    return `${this.name}=${this.#attributes(secure)}; Max-Age=0`;
  }

  /** A cookie for other sites counts by TLS only. */
  #attributes(secure: boolean): string {
    const { path, sameSite } = this.#config;
    const only = secure || this.#config.secure || sameSite === 'None';
    return `; Path=${path}; HttpOnly; SameSite=${sameSite}${only ? '; Secure' : ''}`;
  }
}

/** The two cookies of a policy. They survive the agent: their key is made of the secret of the client. */
export function cookiesOf(config: OidcConfig): {
  readonly session: SealedCookie<typeof sessionShape>;
  readonly pending: SealedCookie<typeof pendingShape>;
} {
  const { source, issuer, clientId, clientSecret } = config;
  const name = `${source.name.replaceAll(/[^A-Za-z0-9]/g, '-')}-session`;
  const sealed = (purpose: string): SealedText =>
    new SealedText(clientSecret, `${source.name} ${issuer} ${clientId}`, purpose);
  return {
    session: new SealedCookie(name, config.session, sealed('session'), sessionShape),
    pending: new SealedCookie(`${name}-state`, config.stateCookie, sealed('state'), pendingShape),
  };
}

/** The upstream has no business with the cookies of the gateway. */
export function hideCookies(request: OutgoingRequest, names: readonly string[]): void {
  const before = request.headers.getAll('cookie');
  if (before.length === 0) return;
  const kept = before
    .flatMap((line) => line.split(';'))
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '' && !names.includes(pair.split('=', 1)[0]?.trim() ?? ''));
  request.headers.remove('cookie');
  if (kept.length > 0) request.headers.append('Cookie', kept.join('; '));
}
