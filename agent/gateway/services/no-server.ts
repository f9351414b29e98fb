import { textAnswer } from '../own-answer.ts';
import { NO_COOKIES, type Refusal } from './choice.ts';

/** Traefik's answer where nothing can be chosen. */
export const NO_SERVER: Refusal = {
  kind: 'refused',
  answer: textAnswer(503, 'no available server', 'upstream-none', 'Every server is down, leaves, or has weight 0.'),
  cookies: NO_COOKIES,
};
