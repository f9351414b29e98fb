import { useEffect, useState } from 'react';
import { ago } from './ago.ts';

/** How long ago the preview took over the newest manifests. */
export function AppliedTime({ at }: { at: string }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 10_000);
    return () => clearInterval(timer);
  }, []);
  return <span title={new Date(at).toLocaleString()}>applied {ago(now - Date.parse(at))}</span>;
}
