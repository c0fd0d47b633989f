/** Where images are kept: `host/name`. */
export interface ImageRepository {
  /** With its port, if it has one. */
  readonly host: string;
  readonly name: string;
}

const digestPattern = /@(sha256:[0-9a-f]{64})$/;

/** The digest that `image` is pinned to; undefined for one that only has a tag. */
export function digestOf(image: string): string | undefined {
  return digestPattern.exec(image)?.[1];
}

/** The repository of `image`, without tag and digest; undefined if it names no registry. */
export function repositoryOf(image: string): ImageRepository | undefined {
  const [host = "", ...path] = image
    .replace(digestPattern, "")
    .replace(/:[\w.-]+$/, "")
    .split("/");
  // As Docker tells a registry's host from the first part of a name.
  const isHost = host === "localhost" || /[.:]/.test(host);
  return isHost && path.length > 0 ? { host, name: path.join("/") } : undefined;
}

export function formatRepository({ host, name }: ImageRepository): string {
  return `${host}/${name}`;
}
