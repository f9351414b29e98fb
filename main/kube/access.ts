import { readFile } from 'node:fs/promises';
import { ok } from '../../shared/result/result.ts';
import type { Result } from '../../shared/result/result.ts';
import { kubeFail } from './errors.ts';
import { ExecCredentials } from './exec-credential.ts';
import type { ClusterEntry, Kubeconfig, Named, UserEntry } from './kubeconfig.ts';

/** How a context is reached and who one is there; the input of `ApiClient`. */
export interface Access {
  readonly context: string;
  readonly cluster: string;
  readonly user: string;
  readonly namespace: string | undefined;
  readonly server: URL;
  readonly tls: TlsOptions;
  readonly proxy: string | undefined;
  /** Credentials for one request; asked before each, so that a renewed one is used. */
  credentials(): Promise<Result<RequestCredentials>>;
  /** After a 401. True when asking again may give other credentials. */
  renew(): boolean;
  close(): void;
}

export interface TlsOptions {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly servername?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
}

export interface RequestCredentials {
  readonly headers: Readonly<Record<string, string>>;
  /** Set when the credential is a certificate that is only known now (exec plugin). */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export interface AccessOptions {
  /** Environment of exec plugins. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly execTimeoutMs: number;
}

/** Resolves a context of the kubeconfig. Reads certificate files; does not touch the network, runs no plugin. */
export async function resolveAccess(config: Kubeconfig, name: string, options: AccessOptions): Promise<Result<Access>> {
  const context = config.contexts.get(name);
  if (!context) return kubeFail('kube-context-unknown', `No context ${name} in the kubeconfig.`);
  const where = `${context.file}: context ${name}`;
  const cluster = config.clusters.get(context.entry.cluster);
  if (!cluster)
    return kubeFail('kube-config-invalid', `${where}: its cluster ${context.entry.cluster} is not defined.`);
  const userName = context.entry.user ?? '';
  const user = config.users.get(userName);
  if (!user && userName !== '')
    return kubeFail('kube-config-invalid', `${where}: its user ${userName} is not defined.`);
  const server = URL.parse(cluster.entry.server);
  if (!server || !/^https?:$/.test(server.protocol)) {
    return kubeFail(
      'kube-config-invalid',
      `${cluster.file}: cluster ${cluster.name}: server is not an http(s) URL: ${cluster.entry.server}`,
    );
  }
  const tls = await resolveTls(cluster, user);
  if (!tls.ok) return tls;
  const authentication = authenticationOf(cluster.entry, tls.value, user, options);
  if (!authentication.ok) return authentication;
  return ok({
    context: name,
    cluster: cluster.name,
    user: userName || '(anonymous)',
    namespace: context.entry.namespace,
    server,
    tls: tls.value,
    proxy: cluster.entry['proxy-url'] || undefined,
    ...authentication.value,
  });
}

async function resolveTls(
  cluster: Named<ClusterEntry>,
  user: Named<UserEntry> | undefined,
): Promise<Result<TlsOptions>> {
  const parts = [
    {
      field: 'ca',
      from: cluster,
      data: cluster.entry['certificate-authority-data'],
      path: cluster.entry['certificate-authority'],
      name: 'certificate-authority',
    },
    {
      field: 'cert',
      from: user,
      data: user?.entry['client-certificate-data'],
      path: user?.entry['client-certificate'],
      name: 'client-certificate',
    },
    {
      field: 'key',
      from: user,
      data: user?.entry['client-key-data'],
      path: user?.entry['client-key'],
      name: 'client-key',
    },
  ];
  const found: Record<string, string> = {};
  for (const part of parts) {
    if (part.data) {
      found[part.field] = Buffer.from(part.data, 'base64').toString('utf8');
    } else if (part.path) {
      try {
        found[part.field] = await readFile(part.path, 'utf8');
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return kubeFail(
          'kube-config-invalid',
          `${part.from?.file}: ${part.name} of ${part.from?.name} cannot be read: ${why}`,
        );
      }
    }
  }
  return ok({
    ...found,
    ...(cluster.entry['tls-server-name'] ? { servername: cluster.entry['tls-server-name'] } : {}),
    ...(cluster.entry['insecure-skip-tls-verify'] ? { rejectUnauthorized: false } : {}),
  });
}

type Authentication = Pick<Access, 'credentials' | 'renew' | 'close'>;

/** The order is that of client-go: token, token file, basic, exec plugin, auth provider; certificates are in `TlsOptions`. */
function authenticationOf(
  cluster: ClusterEntry,
  tls: TlsOptions,
  user: Named<UserEntry> | undefined,
  options: AccessOptions,
): Result<Authentication> {
  const entry = user?.entry;
  const fixed: Record<string, string> = {};
  if (entry?.as) fixed['impersonate-user'] = entry.as;
  if (entry?.['as-uid']) fixed['impersonate-uid'] = entry['as-uid'];
  if (entry?.['as-groups']?.length) {
    // A list would need one header a group, which a plain header record cannot say.
    if (entry['as-groups'].length > 1) {
      return kubeFail(
        'kube-config-invalid',
        `${user?.file}: user ${user?.name}: as-groups with more than one group is not supported.`,
        undefined,
        'Use a context whose user impersonates one group.',
      );
    }
    fixed['impersonate-group'] = entry['as-groups'].join('');
  }
  const still = (headers: Record<string, string>): Authentication => ({
    credentials: () => Promise.resolve(ok({ headers: { ...fixed, ...headers } })),
    renew: () => false,
    close: () => undefined,
  });
  if (!user || !entry) return ok(still({}));
  if (entry.tokenFile) return ok(tokenFileAuthentication(entry.tokenFile, user, fixed));
  if (entry.token) return ok(still({ authorization: `Bearer ${entry.token}` }));
  if (entry.username) {
    const pair = Buffer.from(`${entry.username}:${entry.password ?? ''}`).toString('base64');
    return ok(still({ authorization: `Basic ${pair}` }));
  }
  if (entry.exec) {
    const ca = tls.ca === undefined ? undefined : Buffer.from(tls.ca).toString('base64');
    const plugin = new ExecCredentials(
      entry.exec,
      {
        server: cluster.server,
        'tls-server-name': cluster['tls-server-name'],
        'insecure-skip-tls-verify': cluster['insecure-skip-tls-verify'] ?? undefined,
        'certificate-authority-data': ca,
        'proxy-url': cluster['proxy-url'],
      },
      options.env,
      options.execTimeoutMs,
    );
    return ok(execAuthentication(plugin, fixed));
  }
  if (entry['auth-provider']) return ok(providerAuthentication(user, entry['auth-provider'], fixed));
  return ok(still({}));
}

/** Read at each request: the kubelet and cloud tools replace the file when they renew the token. */
function tokenFileAuthentication(
  path: string,
  user: Named<UserEntry>,
  fixed: Readonly<Record<string, string>>,
): Authentication {
  return {
    credentials: async () => {
      try {
        const token = (await readFile(path, 'utf8')).trim();
        return ok({ headers: { ...fixed, authorization: `Bearer ${token}` } });
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return kubeFail('kube-config-invalid', `${user.file}: tokenFile of ${user.name} cannot be read: ${why}`);
      }
    },
    renew: () => true,
    close: () => undefined,
  };
}

function execAuthentication(plugin: ExecCredentials, fixed: Readonly<Record<string, string>>): Authentication {
  return {
    credentials: async () => {
      const credential = await plugin.get();
      if (!credential.ok) return credential;
      const { token, certificate, key } = credential.value;
      const headers = { ...fixed, ...(token ? { authorization: `Bearer ${token}` } : {}) };
      return ok(certificate && key ? { headers, tls: { cert: certificate, key } } : { headers });
    },
    renew: () => {
      plugin.forget();
      return true;
    },
    close: () => plugin.close(),
  };
}

/** The old `auth-provider` entries (OIDC with refresh token, GCP, Azure) are left to the official client, loaded only for them. */
function providerAuthentication(
  user: Named<UserEntry>,
  provider: { readonly name: string; readonly config?: Record<string, string> | null | undefined },
  fixed: Readonly<Record<string, string>>,
): Authentication {
  const load = async () => {
    const { KubeConfig } = await import('@kubernetes/client-node');
    const config = new KubeConfig();
    config.loadFromOptions({
      clusters: [{ name: 'only', server: 'https://127.0.0.1', skipTLSVerify: false }],
      users: [{ name: user.name, authProvider: { name: provider.name, config: provider.config ?? {} } }],
      contexts: [{ name: 'only', cluster: 'only', user: user.name }],
      currentContext: 'only',
    });
    return config;
  };
  let loaded: ReturnType<typeof load> | undefined;
  return {
    credentials: async () => {
      try {
        const config = await (loaded ??= load());
        const applied: { headers?: Record<string, string> } = {};
        await config.applyToHTTPSOptions(applied);
        return ok({ headers: { ...fixed, ...applied.headers } });
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return kubeFail(
          'kube-unauthorized',
          `${user.file}: auth-provider ${provider.name} of ${user.name} gave no credentials: ${why}`,
        );
      }
    },
    renew: () => false,
    close: () => undefined,
  };
}
