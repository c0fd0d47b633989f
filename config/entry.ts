/** Part of a stack's config before it is known to be well-formed. */
export type Entry = Readonly<Record<string, unknown>>;

/** The map under `key`; an empty one where something else stands. */
export function mapAt(config: Entry, key: string): Entry {
  const value = config[key];
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
