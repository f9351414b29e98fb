import type { ObjectRef } from '../manifests/types.ts';

export type AuthConfig =
  /** No credential is looked at; `source` tells why. */
  | { readonly kind: 'keyless'; readonly source?: ObjectRef | undefined }
  /** Sources are tried in order: header, then query. The default is `Authorization: Bearer` and `api_key`. */
  | {
      readonly kind: 'api-key';
      readonly source?: ObjectRef | undefined;
      readonly header?: string | undefined;
      readonly scheme?: string | undefined;
      readonly query?: string | undefined;
    }
  /** Known but not served yet: every request gets 501, and a diagnostic says so. */
  | { readonly kind: 'unsupported'; readonly source: ObjectRef; readonly method: string };
