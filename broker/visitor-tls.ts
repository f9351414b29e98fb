import type { Logger } from 'pino';
import { AcmeCertificates } from './acme-certificates.ts';
import type { AcmeOptions } from './acme-certificates.ts';
import { AcmeHttpListener } from './acme-http-listener.ts';
import { dnsResponder, httpResponder, tlsAlpnResponder } from './acme-responders.ts';
import { CertificateFiles } from './certificate-files.ts';
import type { CertificateFile } from './certificate-files.ts';
import type { CertificatePair } from './certificate-pair.ts';
import type { DevelopmentCertificates } from './development-certificates.ts';
import { TlsFront } from './tls-front.ts';

export interface VisitorTlsOptions {
  readonly files: readonly CertificateFile[];
  readonly acme: AcmeOptions | undefined;
  /** Folder of a development CA. */
  readonly developmentCa: string | undefined;
  readonly handshakeTimeoutMs: number;
  readonly log: Logger;
}

const NONE: readonly CertificatePair[] = [];

/** TLS of the public listener with certificates from files, before those from an authority, before those of a development CA. */
export class VisitorTls {
  readonly front: TlsFront;
  #files: CertificateFiles | undefined;
  #acme: AcmeCertificates | undefined;
  #http: AcmeHttpListener | undefined;
  #development: DevelopmentCertificates | undefined;

  private constructor(front: TlsFront) {
    this.front = front;
  }

  /** Rejects with `BrokerOptionsError`, or when the plain listener cannot be bound. */
  static async start({ files, acme, developmentCa, handshakeTimeoutMs, log }: VisitorTlsOptions): Promise<VisitorTls> {
    const front = new TlsFront({
      handshakeTimeoutMs,
      onFailed: (error) => log.trace({ err: error }, 'TLS handshake failed'),
    });
    const made = new VisitorTls(front);
    const sources = { files: NONE, acme: NONE, development: NONE };
    const use = (changed: Partial<typeof sources>): void => {
      const all = { ...sources, ...changed };
      front.use([...all.files, ...all.acme, ...all.development]);
      Object.assign(sources, changed);
    };
    try {
      if (files.length > 0) {
        made.#files = new CertificateFiles({ files, log, use: (pairs) => use({ files: pairs }) });
        await made.#files.start();
      }
      if (acme !== undefined) await made.#startAcme(acme, log, (pairs) => use({ acme: pairs }));
      if (developmentCa !== undefined) {
        // What signs certificates takes a while to load, and few brokers need it.
        const part = await import('./development-certificates.ts');
        const development = await part.DevelopmentCertificates.open(developmentCa, log);
        made.#development = development;
        await development.start((pairs) => use({ development: pairs }));
        front.issuer = (name) => development.contextFor(name);
      }
    } catch (error) {
      await made.stop();
      throw error;
    }
    return made;
  }

  async stop(): Promise<void> {
    this.#files?.stop();
    this.#development?.stop();
    await this.#acme?.stop();
    await this.#http?.close();
  }

  async #startAcme(options: AcmeOptions, log: Logger, use: (pairs: readonly CertificatePair[]) => void): Promise<void> {
    const http = options.http === undefined ? undefined : await AcmeHttpListener.listen(options.http);
    this.#http = http;
    // Whoever gave a plain listener may have something in front that ends TLS, and whoever gave a program for names
    // may have several brokers behind one of them.
    const responders = [
      ...(options.dns === undefined ? [] : [dnsResponder(options.dns, log)]),
      ...(http === undefined ? [] : [httpResponder(http)]),
      tlsAlpnResponder(this.front),
    ];
    const acme = new AcmeCertificates(options, { log, responders, use });
    this.#acme = acme;
    await acme.start();
  }
}
