import type { HeaderList } from '../../shared/http1/header-list.ts';
import { peerOf } from './middlewares/outgoing-request.ts';
import { QueryValues } from './query-values.ts';
import type { RequestView } from './request-view.ts';

/** A request head as matchers see it; the query is parsed only when one asks for it. */
export class HeadView implements RequestView {
  readonly method: string;
  readonly host: string | null;
  readonly path: string;
  readonly rawQuery: string;
  #headers: HeaderList;
  #query: QueryValues | undefined;

  constructor(parts: { method: string; host: string | null; path: string; rawQuery: string; headers: HeaderList }) {
    this.method = parts.method;
    this.host = parts.host;
    this.path = parts.path;
    this.rawQuery = parts.rawQuery;
    this.#headers = parts.headers;
  }

  get clientIp(): string {
    return peerOf(this.#headers);
  }

  header(name: string): string | undefined {
    return this.#headers.get(name);
  }

  headerValues(name: string): readonly string[] {
    return this.#headers.getAll(name);
  }

  query(): QueryValues {
    return (this.#query ??= new QueryValues(this.rawQuery));
  }
}
