import { flag, text, texts } from '../field.ts';
import type { Reader } from './middleware-reading.ts';

/** Types of Middleware that change the path or lead elsewhere. */
export const pathReaders: Readonly<Record<string, Reader>> = {
  stripPrefix: ({ spec, source }) => [
    { kind: 'strip-prefix', source, prefixes: texts(spec['prefixes']), forceSlash: flag(spec['forceSlash']) === true },
  ],
  stripPrefixRegex(reading) {
    const patterns = texts(reading.spec['regex']);
    if (patterns.some((each, at) => reading.badPattern(['regex', at], each.trim()))) return undefined;
    return [{ kind: 'strip-prefix-regex', source: reading.source, patterns }];
  },
  addPrefix(reading) {
    const prefix = text(reading.spec['prefix']) ?? '';
    if (prefix === '') return reading.refuse(['prefix'], 'the prefix is empty');
    return [{ kind: 'add-prefix', source: reading.source, prefix }];
  },
  replacePath: ({ spec, source }) => [{ kind: 'replace-path', source, path: text(spec['path']) ?? '' }],
  replacePathRegex(reading) {
    const { spec, source } = reading;
    const pattern = (text(spec['regex']) ?? '').trim();
    if (reading.badPattern(['regex'], pattern)) return undefined;
    return [{ kind: 'replace-path-regex', source, pattern, replacement: (text(spec['replacement']) ?? '').trim() }];
  },
  redirectScheme(reading) {
    const { spec, source } = reading;
    const scheme = text(spec['scheme']) ?? '';
    if (scheme === '') return reading.refuse(['scheme'], 'the scheme to lead to is missing');
    const permanent = flag(spec['permanent']) === true;
    return [{ kind: 'redirect-scheme', source, scheme, port: text(spec['port']) ?? '', permanent }];
  },
  redirectRegex(reading) {
    const { spec, source } = reading;
    const pattern = text(spec['regex']) ?? '';
    if (reading.badPattern(['regex'], pattern)) return undefined;
    const replacement = text(spec['replacement']) ?? '';
    return [{ kind: 'redirect-regex', source, pattern, replacement, permanent: flag(spec['permanent']) === true }];
  },
};
