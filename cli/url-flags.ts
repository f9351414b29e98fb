import { InvalidArgumentError } from 'commander';

/** URL of a control plane. */
export function controlUrl(text: string): string {
  if (!isWeb(text)) throw new InvalidArgumentError('use https://HOST or http://HOST:PORT.');
  return text;
}

/** URL of every preview host, which stands for `{host}`. */
export function urlTemplate(text: string): string {
  if (!text.includes('{host}') || !isWeb(text.replace('{host}', 'host.example')))
    throw new InvalidArgumentError('use https://{host}/, or http:// and a port where it is not the usual one.');
  return text;
}

function isWeb(text: string): boolean {
  return /^https?:$/.test(URL.parse(text)?.protocol ?? '');
}
