/** What a look at the disk found. */
export interface FilesChange {
  /** A file or folder came, went, or has another size. */
  readonly listed: boolean;
  /** Files that another program changed; `null` when gone. */
  readonly changed: readonly { readonly path: string; readonly version: string | null }[];
  /** The text of a file that may hold manifests changed, whoever did it. */
  readonly texts: boolean;
  /** Files that hold no manifests and came, went or changed, whoever did it: overlays and charts may be made of them. */
  readonly others: readonly string[];
}
