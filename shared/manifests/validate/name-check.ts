import type { KindSchema } from '../schema/kind-schema.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

const LABEL_WORDS =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_WORDS =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/** What is wrong with a name, in the API server's words. The hub allows labels only, for all of its kinds. */
export function nameProblems(name: string, names: KindSchema['names']): string[] {
  const problems: string[] = [];
  const [pattern, words, max] =
    names === 'label' ? ([LABEL, LABEL_WORDS, 63] as const) : ([SUBDOMAIN, SUBDOMAIN_WORDS, 253] as const);
  if (name.length > max) problems.push(`must be no more than ${max} characters`);
  if (name.length <= 1_000 && !pattern.test(name)) problems.push(words);
  return problems;
}
