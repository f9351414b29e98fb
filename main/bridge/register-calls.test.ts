import { expect, test } from 'vitest';
import { calls, type Handlers } from '../../shared/contract/contract.ts';
import { fail, ok } from '../../shared/result/result.ts';
import { registerCalls, type Dispatch } from './register-calls.ts';

function dispatchWith(handlers: Partial<Handlers>): { dispatch: Dispatch; faults: string[] } {
  const faults: string[] = [];
  const dispatch = registerCalls(calls, handlers as Handlers, (call, error) =>
    faults.push(`${call}: ${String(error)}`),
  );
  return { dispatch, faults };
}
const { signal } = new AbortController();

test('input that is not as agreed never reaches the handler, and the field is named', async () => {
  const { dispatch } = dispatchWith({ fileRead: () => Promise.reject(new Error('reached')) });
  expect(await dispatch('fileRead', { path: 7 }, signal)).toMatchObject({
    ok: false,
    error: { code: 'invalid-input', message: expect.stringContaining('path') },
  });
  expect(await dispatch('appOpenExternal', { url: 'javascript:alert(1)' }, signal)).toMatchObject({
    ok: false,
    error: { code: 'invalid-input' },
  });
});

test('only the names of the contract can be called', async () => {
  const { dispatch } = dispatchWith({});
  for (const name of ['nothing', 'toString', '__proto__', 'constructor']) {
    expect(await dispatch(name, {}, signal)).toMatchObject({ ok: false, error: { code: 'unknown-call' } });
  }
});

test('a failure crosses as it is; an exception becomes one and is told to the log', async () => {
  const { dispatch, faults } = dispatchWith({
    fileDelete: () => Promise.resolve(fail('file-missing', 'gone')),
    gitPush: () => Promise.reject(new Error('kaput')),
  });
  expect(await dispatch('fileDelete', { path: 'a' }, signal)).toEqual({
    ok: false,
    error: { code: 'file-missing', message: 'gone' },
  });
  expect(await dispatch('gitPush', {}, signal)).toMatchObject({ ok: false, error: { code: 'internal' } });
  expect(faults).toEqual(['gitPush: Error: kaput']);
});

test('defaults are filled in before the handler, and what the contract does not know is taken out after it', async () => {
  const seen: unknown[] = [];
  const { dispatch } = dispatchWith({
    trafficList: (input) => {
      seen.push(input);
      const value = { exchanges: [], newest: 3, secret: 'x' };
      return Promise.resolve(ok(value));
    },
  });
  expect(await dispatch('trafficList', {}, signal)).toEqual({ ok: true, value: { exchanges: [], newest: 3 } });
  expect(seen).toEqual([{ after: 0, limit: 500 }]);
});

test('an answer that is not as agreed is an internal failure', async () => {
  const { dispatch, faults } = dispatchWith({
    fileList: () => Promise.resolve(JSON.parse('{"ok":true,"value":{"files":1}}')),
  });
  expect(await dispatch('fileList', {}, signal)).toMatchObject({ ok: false, error: { code: 'internal' } });
  expect(faults).toHaveLength(1);
});

test('the signal reaches the handler, and a call that was cancelled says so', async () => {
  const abort = new AbortController();
  const { dispatch } = dispatchWith({
    gitPush: (_input, given) =>
      new Promise((_resolve, reject) =>
        given.addEventListener('abort', () => reject(new Error('stopped')), { once: true }),
      ),
  });
  const pending = dispatch('gitPush', {}, abort.signal);
  abort.abort();
  expect(await pending).toMatchObject({ ok: false, error: { code: 'aborted' } });
});
