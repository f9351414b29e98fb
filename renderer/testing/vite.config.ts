import { fileURLToPath } from 'node:url';
import { mergeConfig } from 'vite';
import own from '../vite.config.ts';

/** The interface over the memory bridge, built as the real one is, into a folder of its own. */
export default mergeConfig(own, {
  root: fileURLToPath(new URL('.', import.meta.url)),
  build: { outDir: '../../dist/renderer-harness' },
});
