import { useEffect, useRef, useState } from 'react';
import type { CallOutput, GitStatus } from '../../../shared/contract/contract.ts';
import type { Failure } from '../../../shared/result/result.ts';
import { useApp } from '../app-context.tsx';

export interface Commit {
  readonly paths: readonly string[];
  readonly message: string;
  readonly signOff: boolean;
  readonly pushAfter: boolean;
  readonly busy: boolean;
  readonly failure: Failure | null;
  readonly result: CallOutput<'gitCommit'> | null;
  choose(paths: readonly string[]): void;
  toggle(path: string): void;
  setMessage(message: string): void;
  setSignOff(signOff: boolean): void;
  setPushAfter(push: boolean): void;
  run(): Promise<void>;
  push(): Promise<void>;
}

/** What a commit will hold; the message is proposed from it until the user writes another one. */
export function useCommit(git: GitStatus | undefined): Commit {
  const { bridge } = useApp();
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [message, setMessage] = useState('');
  const written = useRef(false);
  const [signOff, setSignOff] = useState(false);
  const [pushAfter, setPushAfter] = useState(git?.upstream !== undefined);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [result, setResult] = useState<CallOutput<'gitCommit'> | null>(null);
  const all = (git?.changes ?? []).map((change) => change.path);
  const paths = all.filter((path) => !left.has(path));
  const key = paths.join('\n');

  useEffect(() => {
    if (key === '' || written.current) return undefined;
    const ending = new AbortController();
    void bridge.call('gitProposeMessage', { paths: key.split('\n') }, ending.signal).then((answer) => {
      if (answer.ok && !ending.signal.aborted && !written.current) setMessage(answer.value.message);
    });
    return () => ending.abort();
  }, [bridge, key]);

  async function during(work: () => Promise<Failure | null>): Promise<void> {
    setBusy(true);
    setFailure(null);
    setFailure(await work());
    setBusy(false);
  }

  return {
    paths,
    message,
    signOff,
    pushAfter,
    busy,
    failure,
    result,
    choose: (chosen) => setLeft(new Set(all.filter((path) => !chosen.includes(path)))),
    toggle: (path) =>
      setLeft((before) => new Set(before.has(path) ? [...before].filter((one) => one !== path) : [...before, path])),
    setMessage(text) {
      written.current = true;
      setMessage(text);
    },
    setSignOff,
    setPushAfter,
    run: () =>
      during(async () => {
        const answer = await bridge.call('gitCommit', { paths, message, signOff, push: pushAfter });
        if (!answer.ok) return answer.error;
        setResult(answer.value);
        return null;
      }),
    push: () =>
      during(async () => {
        const answer = await bridge.call('gitPush', {});
        return answer.ok ? null : answer.error;
      }),
  };
}
