import { afterEach, describe, expect, test } from 'vitest';
import type { OidcConfig } from '../../../../shared/gateway/auth.ts';
import { plain, prefix, ref, route } from '../../testing/config.ts';
import type { UnderTest } from '../../testing/gateway-under-test.ts';
import { useGateway } from '../../testing/use-gateway.ts';
import type { Answer } from '../../testing/visitor.ts';
import { startLoginProvider, type LoginProvider } from '../testing/login-provider.ts';
import { SealedText } from './sealed-text.ts';

const start = useGateway();
const HOST = 'shop.preview.test';
const SECRET = 'the-secret-of-the-client-that-is-long-enough';
const running: LoginProvider[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((provider) => provider.stop()));
});

/** As a browser does: keeps cookies, asks the gateway through the tunnel and the provider by HTTP. */
class Browser {
  readonly #under: UnderTest;
  readonly cookies = new Map<string, string>();
  readonly #atProvider = new Map<string, string>();

  constructor(under: UnderTest) {
    this.#under = under;
  }

  async get(target: string, headers: Record<string, string> = {}): Promise<Answer> {
    const Cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await this.#under.ask(target, { headers: { ...(Cookie === '' ? {} : { Cookie }), ...headers } });
    keep(this.cookies, answer.head.headers.getAll('set-cookie'));
    return answer;
  }

  /** Goes through the provider until that sends the visitor back; gives path and query. */
  async login(location: string): Promise<string> {
    for (let at = location, hops = 0; hops < 10; hops += 1) {
      const url = new URL(at);
      if (url.hostname === HOST) return `${url.pathname}${url.search}`;
      const Cookie = [...this.#atProvider].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await fetch(url, { redirect: 'manual', headers: { Cookie } });
      keep(this.#atProvider, answer.headers.getSetCookie());
      const next = answer.headers.get('location');
      if (next === null) throw new Error(`${url.pathname} answered ${answer.status}: ${await answer.text()}`);
      at = new URL(next, url).href;
    }
    throw new Error('too many redirects');
  }

  async enter(target: string): Promise<Answer> {
    const sent = await this.get(target);
    const back = await this.get(await this.login(sent.header('location') ?? ''));
    return await this.get(back.header('location') ?? '/nowhere');
  }
}

function keep(cookies: Map<string, string>, lines: readonly string[]): void {
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (value === '' || /max-age=0/i.test(line)) cookies.delete(name);
    else cookies.set(name, value);
  }
}

async function setUp(
  more: Partial<OidcConfig> = {},
  seconds?: number,
): Promise<{ under: UnderTest; browser: Browser; provider: LoginProvider }> {
  const provider = await startLoginProvider(`http://${HOST}/callback`, SECRET, seconds);
  running.push(provider);
  const cookie = { path: '/', sameSite: 'Lax', secure: false } as const;
  const policy: OidcConfig = {
    kind: 'oidc',
    source: ref('AccessControlPolicy', 'gate'),
    issuer: provider.issuer,
    clientId: 'gateway',
    clientSecret: SECRET,
    redirectUrl: '/callback',
    logoutUrl: '/logout',
    scopes: ['openid', 'groups'],
    authParams: {},
    noRedirectPaths: ['/api'],
    session: { ...cookie, refresh: true },
    stateCookie: cookie,
    claims: 'Contains(`groups`, `dev`)',
    forwardHeaders: { 'X-User': 'sub' },
    ...more,
  };
  const all = route('all', prefix('/'), { policies: ['gate'] });
  const under = await start({ ...plain(all), policies: { gate: policy } });
  return { under, browser: new Browser(under), provider };
}

describe('a login with a provider', () => {
  test('leads there with state, nonce and PKCE, and back to where the visitor wanted to go', async () => {
    const { under, browser, provider } = await setUp();
    const sent = await browser.get('/pets?page=2');
    const url = new URL(sent.header('location') ?? '');
    expect([sent.status, url.origin]).toEqual([302, provider.issuer]);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      client_id: 'gateway',
      response_type: 'code',
      redirect_uri: `http://${HOST}/callback`,
      scope: 'openid groups',
      code_challenge_method: 'S256',
      state: expect.stringMatching(/.{20,}/),
      nonce: expect.stringMatching(/.{20,}/),
    });
    expect(sent.header('set-cookie')).toMatch(/^gate-session-state=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/);
    const code = await browser.login(url.href);
    const back = await browser.get(code);
    expect([back.status, back.header('location')]).toEqual([302, '/pets?page=2']);
    const inside = await browser.get('/pets?page=2', { 'X-User': 'root' });
    const headers = inside.json()['headers'] as Record<string, string>;
    expect([inside.status, headers['x-user'], headers['cookie']]).toEqual([200, 'ada', undefined]);
    const session = browser.cookies.get('gate-session') ?? '';
    expect(Buffer.from(session, 'base64url').toString()).not.toMatch(/ada|dev|sub/);
    const recorded = JSON.stringify(under.recorder.list());
    expect(recorded).not.toContain(new URL(`http://x${code}`).searchParams.get('code'));
    expect(recorded).not.toContain(session);
    // The same answer of the provider is worth nothing a second time.
    expect((await browser.get(code)).status).toBe(401);
  });

  test('does not believe an answer that it did not ask for', async () => {
    const { under, browser } = await setUp();
    expect((await browser.get('/callback?code=x&state=y')).status).toBe(401);
    const sent = await browser.get('/');
    const code = await browser.login(sent.header('location') ?? '');
    const victim = new Browser(under);
    expect((await victim.get(code)).status).toBe(401);
    await victim.get('/');
    expect((await victim.get(code)).status).toBe(401);
    expect(victim.cookies.has('gate-session')).toBe(false);
    expect((await browser.get(code.replace(/state=[^&]+/, 'state=other'))).status).toBe(401);
    expect((await browser.get('/callback?error=access_denied&state=x')).status).toBe(401);
  });

  test('refuses claims that are not as asked, and sessions that were changed or made elsewhere', async () => {
    const { browser } = await setUp({ authParams: { login_hint: 'bob' } });
    expect((await browser.enter('/pets')).status).toBe(403);
    const session = browser.cookies.get('gate-session') ?? '';
    for (const forged of [`${session.slice(0, -2)}AA`, session.slice(4), 'x', `A${session}`,
      new SealedText('another secret', 'gate', 'session').seal('{}'),
      browser.cookies.get('gate-session-state') ?? '',
    ]) {
      browser.cookies.set('gate-session', forged);
      expect((await browser.get('/pets')).status).toBe(302);
    }
  }); // prettier-ignore

  test('redirects nobody on the paths that are named, and ends where it is told', async () => {
    const { browser } = await setUp();
    expect((await browser.get('/api/pets')).status).toBe(401);
    expect((await browser.get('/apis')).status).toBe(302);
    expect((await browser.enter('/pets')).status).toBe(200);
    expect((await browser.get('/api/pets')).status).toBe(200);
    const left = await browser.get('/logout');
    expect([left.status, left.header('location')]).toEqual([302, expect.stringContaining('/session/end')]);
    expect(browser.cookies.has('gate-session')).toBe(false);
    expect((await browser.get('/pets')).status).toBe(302);
  });

  test('renews a session whose time is over, unless it may not', async () => {
    const { browser } = await setUp({}, 1);
    expect((await browser.enter('/pets')).status).toBe(200);
    const first = browser.cookies.get('gate-session');
    await expect
      .poll(async () => [(await browser.get('/pets')).status, browser.cookies.get('gate-session') !== first], { timeout: 10_000 })
      .toEqual([200, true]);
    const without = await setUp({ session: { path: '/', sameSite: 'Lax', secure: false, refresh: false } }, 1);
    await without.browser.enter('/pets');
    await expect.poll(async () => (await without.browser.get('/pets')).status, { timeout: 10_000 }).toBe(302);
  }); // prettier-ignore

  test('answers 503 where the provider is not there', async () => {
    const { browser, provider } = await setUp();
    running.splice(0);
    await provider.stop();
    const away = await browser.get('/pets');
    expect([away.status, away.json()['code']]).toEqual([503, 'auth-unavailable']);
  });
});
