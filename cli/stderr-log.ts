import { pino, type Logger } from 'pino';

/**
 * JSON lines on standard error. What cannot be written is dropped: a reader that is gone must neither end a program that
 * serves, nor hold up its orderly end (pino's own destination tries a broken pipe again and again, and blocks).
 */
export function stderrLog(level: string): Logger {
  let broken = false;
  process.stderr.on('error', () => {
    broken = true;
  });
  return pino(
    { level, base: null },
    {
      write(line: string) {
        if (!broken) process.stderr.write(line);
      },
    },
  );
}
