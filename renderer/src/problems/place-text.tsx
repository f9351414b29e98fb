/** A file and a line of it in one row: where it is too narrow the folders are cut, then the name, and the line never. */
export function PlaceText({ file, line }: { file: string; line: number }) {
  const at = file.lastIndexOf('/') + 1;
  return (
    <span className="place-text mono" title={`${file}:${line}`}>
      {at > 0 && <span className="place-folder ellipsis">{file.slice(0, at)}</span>}
      <span className="place-name ellipsis">{file.slice(at)}</span>
      <span className="place-line">:{line}</span>
    </span>
  );
}
