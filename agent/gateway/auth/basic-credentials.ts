import { problemAnswer, type OwnAnswer } from '../own-answer.ts';

/** RFC 7617; undefined when the header does not hold any. */
export function readBasic(header: string): { readonly user: string; readonly password: string } | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header) ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

export function unauthorizedBasic(realm: string, detail: string): OwnAnswer {
  const quoted = realm.replaceAll(/[^ !#-[\]-~]/g, '');
  return problemAnswer('unauthorized', detail, {
    headers: [['WWW-Authenticate', `Basic realm="${quoted}"`]],
    hint: 'Send a name and a password: Authorization: Basic BASE64.',
  });
}
