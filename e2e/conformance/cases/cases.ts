import type { ConformanceCase } from '../conformance-case.ts';
import { ACCESS_CASES } from './access.ts';
import { HEADER_CASES } from './headers.ts';
import { HTTP_ROUTE_CASES } from './http-routes.ts';
import { INGRESS_CASES } from './ingress.ts';
import { OPTION_CASES } from './options.ts';
import { PATH_CASES } from './paths.ts';
import { REDIRECT_CASES } from './redirects.ts';
import { RULE_TEXT_CASES } from './rule-text.ts';
import { RULE_CASES } from './rules.ts';
import { SERVICE_CASES } from './services.ts';
import { TRAFFIC_CASES } from './traffic.ts';

/** Everything that is asked of both, in the order of the document. */
export const CASES: readonly ConformanceCase[] = [
  ...RULE_CASES,
  ...RULE_TEXT_CASES,
  ...INGRESS_CASES,
  ...HTTP_ROUTE_CASES,
  ...SERVICE_CASES,
  ...PATH_CASES,
  ...REDIRECT_CASES,
  ...HEADER_CASES,
  ...ACCESS_CASES,
  ...TRAFFIC_CASES,
  ...OPTION_CASES,
];
