import { startMixedUpstream } from '../../e2e/support/mixed-upstream.ts';

/** The upstream of the tests as a process of its own, for a namespace of its own. */
console.log(JSON.stringify({ event: 'ready', url: (await startMixedUpstream()).url }));
