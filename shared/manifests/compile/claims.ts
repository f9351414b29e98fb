import { parseClaimExpression } from '../../gateway/claim-expression.ts';
import { text } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import type { ManifestDocument } from '../types.ts';
import { notEnforced, type Scope } from './scope.ts';

/** The expression as it is written; one that cannot be read holds for nobody, and is told of. */
export function claimsOf(
  scope: Scope,
  document: ManifestDocument,
  path: FieldPath,
  value: unknown,
): string | undefined {
  const expression = text(value)?.trim() ?? '';
  if (expression === '') return undefined;
  const check = parseClaimExpression(expression);
  if (typeof check !== 'function')
    notEnforced(
      scope,
      document,
      path,
      `the claim expression cannot be read (${check.problem}), so that it lets nobody in`,
    );
  return expression;
}
