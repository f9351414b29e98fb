import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));

/** The interface is a plain web build: relative addresses, no inline script, every worker and font a file of its own (Content-Security-Policy). */
export default defineConfig({
  root,
  base: './',
  plugins: [react()],
  resolve: {
    // monaco-yaml 5.5.1 imports Monaco's old paths; since 0.56 Monaco maps `./*` to `esm/vs/*`.
    alias: [{ find: /^monaco-editor\/esm\/vs\/(.*)$/, replacement: 'monaco-editor/$1' }],
  },
  worker: { format: 'es' },
  build: {
    outDir: '../dist/renderer',
    emptyOutDir: true,
    target: 'es2024',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 5000,
  },
});
