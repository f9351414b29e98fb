/** A value inside of a search filter (RFC 4515 §3), so that it stays one. */
export function filterValue(text: string): string {
  // eslint-disable-next-line no-control-regex -- NUL ends nothing here, but may elsewhere
  return text.replaceAll(/[*()\\\u0000]/g, (sign) => `\\${sign.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** A value inside of a distinguished name (RFC 4514 §2.4), so that it stays one. */
export function dnValue(text: string): string {
  const marked = text
    .replaceAll(/[\\,+"<>;=#]/g, (sign) => `\\${sign}`)
    // eslint-disable-next-line no-control-regex -- as above
    .replaceAll(/[\u0000-\u001f]/g, (sign) => `\\${sign.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return marked.replace(/^ /, '\\ ').replace(/ $/, '\\ ');
}
