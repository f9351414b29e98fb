import { isDeepStrictEqual } from 'node:util';
import type { DryRunResult } from '../../shared/contract/contract.ts';
import { fields, text } from '../../shared/manifests/field.ts';
import type { ManifestDocument } from '../../shared/manifests/types.ts';
import { ok } from '../../shared/result/result.ts';
import type { Result } from '../../shared/result/result.ts';
import type { ApiClient } from './api-client.ts';
import type { ApiRefusal } from './api-error.ts';
import { FIELD_MANAGER } from './compare.ts';
import { listPath } from './discovery.ts';
import type { Discovery } from './discovery.ts';
import { accept } from './kind-watch.ts';
import { isSecret, normalise } from './normalise.ts';
import type { KubeObject } from './port.ts';
import { fieldsInMessage, parseServerField } from './server-field.ts';

/**
 * Server-side apply of one document with `dryRun=All`: what the server itself says of it, admission included, and
 * nothing is changed. Without force, so that a conflict with another manager is refused as a real apply would be.
 * Fails only when the server cannot be asked. Source: `kubernetes.io/docs/reference/using-api/server-side-apply`.
 */
export async function dryRunDocument(
  client: ApiClient,
  discovery: Discovery,
  document: ManifestDocument,
  signal: AbortSignal | undefined,
): Promise<Result<DryRunResult>> {
  const { ref, value } = document;
  const kind = await discovery.kind(ref.apiVersion, ref.kind, signal);
  if (!kind.ok) return { ok: false, error: kind.error.failure };
  if (!kind.value) {
    const words = `The server has no kind ${ref.kind} in ${ref.apiVersion}: its CustomResourceDefinition is not installed.`;
    return ok(verdict(document, 'unsupported', words));
  }
  const namespace = kind.value.namespaced ? ref.namespace : undefined;
  const path = `${listPath(kind.value, namespace)}/${encodeURIComponent(ref.name)}`;
  const accepted = isSecret(value) ? accept(ref, '') : 'application/json';
  const before = await client.get(path, signal, accepted);
  if (!before.ok && before.error.refusal === undefined) return { ok: false, error: before.error.failure };
  const query = new URLSearchParams({
    dryRun: 'All',
    fieldManager: FIELD_MANAGER,
    fieldValidation: 'Strict',
    force: 'false',
  });
  const answer = await client.send(
    {
      method: 'PATCH',
      path: `${path}?${query}`,
      accept: accepted,
      contentType: 'application/apply-patch+yaml',
      body: JSON.stringify(withNamespace(value, namespace)),
    },
    signal,
  );
  if (!answer.ok) {
    const { refusal, failure } = answer.error;
    // Expired credentials are no word on this document.
    if (!refusal || refusal.status === 401) return { ok: false, error: failure };
    return ok({
      ...verdict(document, 'refused', refusal.message || failure.message),
      causes: causesOf(document, refusal),
    });
  }
  const warnings = answer.value.warnings.map((warning) => ` Warning: ${warning}`).join('');
  if (!before.ok) return ok(verdict(document, 'accepted', `Would be created.${warnings}`));
  // The data of a Secret is not read, so that nobody can say that it stays.
  const unchanged = !isSecret(value) && isDeepStrictEqual(normalise(before.value), normalise(answer.value.value));
  return ok(
    unchanged
      ? verdict(document, 'unchanged', `Nothing would change.${warnings}`)
      : verdict(document, 'accepted', `Would be changed.${warnings}`),
  );
}

function verdict(document: ManifestDocument, said: DryRunResult['verdict'], message: string): DryRunResult {
  return { object: { ...document.ref }, line: document.range.start.line, verdict: said, message, causes: [] };
}

function withNamespace(value: KubeObject, namespace: string | undefined): KubeObject {
  const metadata = fields(value, 'metadata');
  if (namespace === undefined || text(metadata['namespace']) !== undefined) return value;
  return { ...value, metadata: { ...metadata, namespace } };
}

function causesOf(document: ManifestDocument, refusal: ApiRefusal): DryRunResult['causes'] {
  const causes =
    refusal.causes.length > 0
      ? refusal.causes
      : fieldsInMessage(refusal.message).map((field) => ({ type: refusal.reason, field, message: refusal.message }));
  return causes.map(({ type, field, message }) => {
    const path = parseServerField(field, document.value);
    return { type, field: field.replace(/^\./, ''), message, line: document.locate(path, 'key').start.line };
  });
}
