import type { OpenApiKeeper } from './open-api-keeper.ts';

/** What the OpenAPI document of an API calls the operations that requests are. */
export class OperationPaths {
  readonly #keeper: OpenApiKeeper;

  constructor(keeper: OpenApiKeeper) {
    this.#keeper = keeper;
  }

  /** Settles once the document was asked for; undefined when it was. */
  get waiting(): Promise<unknown> | undefined {
    const { contract } = this.#keeper;
    return contract instanceof Promise ? contract : undefined;
  }

  /** `/pets/{id}` for `/v1/pets/7`; undefined when the document has no such operation, or cannot be had. */
  of(method: string, path: string): string | undefined {
    const { contract } = this.#keeper;
    if (typeof contract === 'string' || contract instanceof Promise) return undefined;
    const found = contract.find(method, path);
    return found.kind === 'found' ? found.operation.path : undefined;
  }
}
