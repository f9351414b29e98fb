import { fields, isFields, items, text, texts, type Fields } from '../field.ts';

/** The requirements of a Kubernetes label selector; all must hold. An empty selector selects everything. */
export type Requirement =
  | { readonly key: string; readonly operator: 'In' | 'NotIn'; readonly values: readonly string[] }
  | { readonly key: string; readonly operator: 'Exists' | 'DoesNotExist' };

/** Reads a selector; undefined when there is none, a problem when it is not one. */
export function readSelector(
  value: unknown,
): { requirements: readonly Requirement[] } | { problem: string } | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isFields(value)) return { problem: 'a selector is an object' };
  const requirements: Requirement[] = [];
  for (const [key, label] of Object.entries(fields(value, 'matchLabels'))) {
    if (typeof label === 'string') requirements.push({ key, operator: 'In', values: [label] });
  }
  for (const expression of items(value['matchExpressions'])) {
    const { key, operator, values } = fields(expression);
    if (typeof key !== 'string' || key === '') return { problem: 'each of matchExpressions needs a key' };
    const list = texts(values);
    switch (operator) {
      case 'In':
      case 'NotIn':
        if (list.length === 0) return { problem: `values must be specified when operator is 'In' or 'NotIn'` };
        requirements.push({ key, operator, values: list });
        break;
      case 'Exists':
      case 'DoesNotExist':
        if (list.length > 0)
          return { problem: `values may not be specified when operator is 'Exists' or 'DoesNotExist'` };
        requirements.push({ key, operator });
        break;
      default:
        return { problem: `${JSON.stringify(text(operator) ?? null)} is not a valid label selector operator` };
    }
  }
  return { requirements };
}

export function selects(requirements: readonly Requirement[], labels: Fields): boolean {
  return requirements.every((requirement) => {
    const label = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
    switch (requirement.operator) {
      case 'In':
        return typeof label === 'string' && requirement.values.includes(label);
      case 'NotIn':
        return typeof label !== 'string' || !requirement.values.includes(label);
      case 'Exists':
        return label !== undefined;
      case 'DoesNotExist':
        return label === undefined;
    }
  });
}
