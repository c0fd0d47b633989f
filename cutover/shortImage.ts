/** For people: `1.0.0`, or the first 12 hex digits of the digest. */
export function shortImage(image: string): string {
  const [, digest] = /@sha256:([0-9a-f]{12})/.exec(image) ?? [];
  // A route's annotation can hold anything: what is no tag is not shown.
  const [, tag] = /:([\w.-]+)$/.exec(image) ?? [];
  return digest ?? tag ?? "untagged";
}
