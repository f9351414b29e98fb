import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

/** Collects the whole heap now. */
export const collect = runInNewContext('gc') as () => void;
