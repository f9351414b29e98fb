import { expect, test } from 'vitest';
import type { BackendConfig } from '../../../shared/gateway/service.ts';
import { plain } from '../testing/config.ts';
import { UpstreamPool } from '../upstream-pool.ts';
import { ServiceBuilder } from './build-services.ts';

function answerOf(backend: BackendConfig, urls = new Map<string, string>()): string {
  const { services } = new ServiceBuilder(new UpstreamPool()).build(plain(), urls);
  const choice = services.ofRoute('r', [backend]).choose({ clientIp: '127.0.0.1', headerValues: () => [] });
  if (choice.kind !== 'refused') return 'server';
  const { status, headers, body } = choice.answer;
  return `${status} ${headers.find(([name]) => name === 'Content-Type')?.[1] ?? 'no type'} ${status === 200 ? body.toString() : body.length > 0}`;
}

test('a backend that leads nowhere is answered for as the manifests want it', () => {
  expect(answerOf({ service: 'nowhere', weight: 1, status: 500 })).toBe('500 no type false');
  const grpcStatus = { code: 14, message: 'Service Unavailable' };
  expect(answerOf({ service: 'nowhere', weight: 1, status: 200, grpcStatus })).toBe(
    '200 application/json {"code":14,"message":"Service Unavailable"}',
  );
});

test('a service without a known address is 503, or what its backend wants', () => {
  const backend = { service: 'shop-web-80', weight: 1 };
  expect(answerOf(backend)).toBe('503 application/problem+json true');
  expect(answerOf({ ...backend, unknownStatus: 500 })).toBe('500 application/problem+json true');
  const urls = new Map([['shop/web:80', 'http://127.0.0.1:9']]);
  expect(answerOf({ ...backend, unknownStatus: 500 }, urls)).toBe('server');
});
