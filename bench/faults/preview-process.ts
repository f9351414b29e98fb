import { previewStatus } from '../../shared/agent/api.ts';
import type { PreviewStatus } from '../../shared/agent/api.ts';

/** Starts a preview of a URL at an agent and waits until all links are up: `preview-process ADDRESS URL`. */
const [address = '', url = ''] = process.argv.slice(2);
const call = async (method: string, path: string, body?: unknown): Promise<PreviewStatus> => {
  const answer = await fetch(`http://${address}${path}`, {
    method,
    headers: { authorization: `Bearer ${process.env['ADIT_AGENT_TOKEN'] ?? ''}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return previewStatus.parse(await answer.json());
};
let status = await call('PUT', '/v1/preview', { source: { kind: 'url', url, name: 'faults' } });
while (status.state !== 'live') {
  await new Promise((resolve) => setTimeout(resolve, 50));
  status = await call('GET', '/v1/status');
}
console.log(JSON.stringify({ event: 'ready', host: status.hosts[0]?.host }));
