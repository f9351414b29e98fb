import { afterEach } from 'vitest';
import { gatewayUnderTest, type UnderTest } from './gateway-under-test.ts';

/** Starts gateways that end with the test that started them. */
export function useGateway(): (...parameters: Parameters<typeof gatewayUnderTest>) => Promise<UnderTest> {
  const running: UnderTest[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.close()));
  });
  return async (...parameters) => {
    const one = await gatewayUnderTest(...parameters);
    running.push(one);
    return one;
  };
}
