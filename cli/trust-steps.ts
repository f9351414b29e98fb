/** How one kind of program comes to trust an authority: commands for a shell of the system. */
export interface TrustStep {
  readonly who: string;
  readonly trust: string;
  readonly forget: string;
}

const NAME = 'Adit development CA';

/** For the authority whose certificate is in `file`, on this system. */
export function trustSteps(platform: NodeJS.Platform, file: string): readonly TrustStep[] {
  return [...systemSteps(platform, file), ...everywhere(platform, file)];
}

function systemSteps(platform: NodeJS.Platform, file: string): readonly TrustStep[] {
  if (platform === 'win32') {
    const quoted = `"${file}"`;
    return [
      {
        who: 'Windows, Edge, Chrome (for you)',
        trust: `certutil -user -addstore Root ${quoted}`,
        forget: `certutil -user -delstore Root "${NAME}"`,
      },
    ];
  }
  const quoted = shellQuoted(file);
  if (platform === 'darwin')
    return [
      {
        who: 'macOS, Safari, Chrome (for you)',
        trust: `security add-trusted-cert -r trustRoot -p ssl -k ~/Library/Keychains/login.keychain-db ${quoted}`,
        forget: `security remove-trusted-cert ${quoted}`,
      },
    ];
  return [
    {
      who: 'Debian, Ubuntu: curl and most programs (for everybody)',
      trust: `sudo install -m 644 ${quoted} /usr/local/share/ca-certificates/adit-development.crt && sudo update-ca-certificates`,
      forget: 'sudo rm /usr/local/share/ca-certificates/adit-development.crt && sudo update-ca-certificates --fresh',
    },
    {
      who: 'Fedora, RHEL, Arch: curl and most programs (for everybody)',
      trust: `sudo trust anchor ${quoted}`,
      forget: `sudo trust anchor --remove ${quoted}`,
    },
    {
      who: 'Chrome, Chromium (for you; certutil is in libnss3-tools, nss-tools)',
      trust: `mkdir -p ~/.pki/nssdb && certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n '${NAME}' -i ${quoted}`,
      forget: `certutil -d sql:$HOME/.pki/nssdb -D -n '${NAME}'`,
    },
  ];
}

function everywhere(platform: NodeJS.Platform, file: string): readonly TrustStep[] {
  const [set, unset] =
    platform === 'win32'
      ? [`set NODE_EXTRA_CA_CERTS=${file}`, 'set NODE_EXTRA_CA_CERTS=']
      : [`export NODE_EXTRA_CA_CERTS=${shellQuoted(file)}`, 'unset NODE_EXTRA_CA_CERTS'];
  return [
    {
      who: 'Firefox',
      trust: 'Settings, Privacy & Security, View Certificates, Authorities, Import',
      forget: `there, "${NAME}", Delete or Distrust`,
    },
    { who: 'Node', trust: set, forget: unset },
  ];
}

function shellQuoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
