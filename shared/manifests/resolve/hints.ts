/** What to do about a reference whose object is not among the files. */
export const SERVICE_HINT = 'Define the Service, or give its address under `upstreams:` in adit.yaml.';
export const SECRET_HINT = 'Define the Secret; without it, calls with this credential are refused.';
export const TLS_HINT = 'A preview has certificates of its own; in the cluster the Secret must exist.';
