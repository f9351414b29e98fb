import type { AccessLogConfig } from '../../../shared/workspace/observe-config.ts';
import { localTime, type LogFields } from './access-log-fields.ts';

type Format = (fields: LogFields) => string;

/** A line of each format, with its end; a field that is dropped is a dash. */
export const ACCESS_LOG_FORMATS: Readonly<Record<AccessLogConfig['format'], Format>> = {
  json: (fields) => `${JSON.stringify({ level: 'info', msg: '', time: wholeSeconds(Date.now()), ...fields })}\n`,
  genericCLF: (fields) => `${commonStart(fields)}\n`,
  common: (fields) => {
    const duration = fields['Duration'];
    const ms = typeof duration === 'number' ? Math.floor(duration / 1e6) : 0;
    const rest = [shown(fields, 'RequestCount'), quoted(fields, 'RouterName'), quoted(fields, 'ServiceURL')];
    return `${commonStart(fields)} ${rest.join(' ')} ${ms}ms\n`;
  },
};

/** The Common Log Format with referer and user agent. */
function commonStart(fields: LogFields): string {
  const client = `${shown(fields, 'ClientHost')} - ${shown(fields, 'ClientUsername')}`;
  const line = ['RequestMethod', 'RequestPath', 'RequestProtocol'].map((name) => shown(fields, name)).join(' ');
  const answer = `${shown(fields, 'DownstreamStatus')} ${shown(fields, 'DownstreamContentSize')}`;
  const visitor = `${quoted(fields, 'request_Referer')} ${quoted(fields, 'request_User-Agent')}`;
  return `${client} [${commonTime(fields)}] "${line}" ${answer} ${visitor}`;
}

function shown(fields: LogFields, name: string): string {
  const value = fields[name];
  return value === undefined || value === '' ? '-' : escaped(String(value));
}

function quoted(fields: LogFields, name: string): string {
  return `"${shown(fields, name)}"`;
}

/** Traefik writes values as they are; so that no visitor ends a quotation, these are escaped. */
function escaped(value: string): string {
  return value.replaceAll(/["\\\p{Cc}]/gu, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`;
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `02/Jan/2006:15:04:05 -0700` of the start; of its local form when the other is dropped. */
function commonTime(fields: LogFields): string {
  const start = fields['StartUTC'] ?? fields['StartLocal'];
  const [, year, month, day, time, sign] =
    /^(\d+)-(\d+)-(\d+)T(\d+:\d+:\d+)[.\d]*(Z|[-+]\d+:\d+)$/.exec(String(start)) ?? [];
  if (sign === undefined) return '-';
  const offset = sign === 'Z' ? '+0000' : sign.replace(':', '');
  return `${day}/${MONTHS[Number(month) - 1]}/${year}:${time} ${offset}`;
}

function wholeSeconds(ms: number): string {
  return localTime(ms).replace(/\.\d+/, '');
}
