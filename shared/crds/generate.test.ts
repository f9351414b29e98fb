import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compiledRule } from '../manifests/cel/compiled-rule.ts';
import { BUNDLED_FILE, generated, INSTALL_FILE } from './generate.ts';
import { bundledCrds } from './index.ts';

describe('what is made of the definitions', () => {
  it('is up to date (else run shared/crds/generate.ts)', () => {
    const { bundled, install } = generated();
    expect(readFileSync(BUNDLED_FILE, 'utf8')).toBe(bundled);
    expect(readFileSync(INSTALL_FILE, 'utf8')).toBe(install);
  });

  it('has rules that all can be checked offline', () => {
    const rules = [...JSON.stringify(bundledCrds()).matchAll(/"rule":"((?:[^"\\]|\\.)*)"/g)].map(([, rule]): unknown =>
      JSON.parse(`"${rule}"`),
    );
    expect(rules.length).toBeGreaterThan(30);
    expect(rules.filter((rule) => !('run' in compiledRule(String(rule))))).toEqual([]);
  });
});
