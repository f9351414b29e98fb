import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certificateAuthority } from '../../testing/certificates.ts';

const SCHEMAS = ['core', 'cosine', 'inetorgperson'].map((name) => `include /etc/ldap/schema/${name}.schema`);
const person = (cn: string, uid: string, password: string): string =>
  `dn: cn=${cn.replaceAll(/[,+]/g, (sign) => `\\${sign}`)},ou=people,dc=test\nobjectClass: inetOrgPerson\ncn: ${cn}\nsn: x\nuid: ${uid}\nuserPassword: ${password}\n`;
const TREE = [
  'dn: dc=test\nobjectClass: dcObject\nobjectClass: organization\ndc: test\no: test\n',
  'dn: ou=people,dc=test\nobjectClass: organizationalUnit\nou: people\n',
  person('web-app', 'web', 'web-password'),
  person('other', 'other', 'other-password'),
  person('strange, name', 'web*', 'strange-password'),
  person('twin-a', 'twin', 'same'),
  person('twin-b', 'twin', 'same'),
].join('\n');

export interface Slapd {
  readonly url: string;
  readonly secureUrl: string;
  readonly ca: string;
  stop(): Promise<void>;
}

/** Debian's LDAP server with a few people in it, as a process of its own. */
export async function startSlapd(): Promise<Slapd> {
  const dir = mkdtempSync(join(tmpdir(), 'adit-slapd-'));
  const authority = await certificateAuthority();
  const { cert, key } = await authority.issue([{ type: 'ip', value: '127.0.0.1' }]);
  mkdirSync(join(dir, 'db'));
  writeFileSync(join(dir, 'cert.pem'), cert);
  writeFileSync(join(dir, 'key.pem'), key);
  writeFileSync(join(dir, 'tree.ldif'), TREE);
  const conf = [
    ...SCHEMAS,
    'modulepath /usr/lib/ldap',
    'moduleload back_mdb',
    `TLSCertificateFile ${join(dir, 'cert.pem')}`,
    `TLSCertificateKeyFile ${join(dir, 'key.pem')}`,
    `pidfile ${join(dir, 'pid')}`,
    'database mdb',
    'suffix "dc=test"',
    'rootdn "cn=admin,dc=test"',
    'rootpw admin-password',
    `directory ${join(dir, 'db')}`,
    'access to attrs=userPassword by anonymous auth by * none',
    'access to * by dn.exact="cn=web-app,ou=people,dc=test" none by anonymous read by * none',
  ];
  writeFileSync(join(dir, 'slapd.conf'), `${conf.join('\n')}\n`);
  const added = spawnSync('/usr/sbin/slapadd', ['-q', '-f', join(dir, 'slapd.conf'), '-l', join(dir, 'tree.ldif')], {
    encoding: 'utf8',
  });
  if (added.status !== 0) throw new Error(`slapadd: ${added.error?.message ?? added.stderr}`);
  const [port, securePort] = [await freePort(), await freePort()];
  const url = `ldap://127.0.0.1:${port}`;
  const secureUrl = `ldaps://127.0.0.1:${securePort}`;
  const slapd = spawn('/usr/sbin/slapd', ['-d', '0', '-f', join(dir, 'slapd.conf'), '-h', `${url} ${secureUrl}`], {
    stdio: 'ignore',
  });
  const ended = once(slapd, 'exit');
  for (const each of [port, securePort]) await reachable(each, () => slapd.exitCode !== null);
  return {
    url,
    secureUrl,
    ca: authority.ca,
    async stop() {
      slapd.kill();
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function reachable(port: number, gone: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch (error) {
      if (gone() || Date.now() > end) throw new Error('slapd did not start', { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      socket.destroy();
    }
  }
}
