/** Stands in a preview for what only the update will know. */
export const UNKNOWN: unique symbol = Symbol("known in the update");

/** A property as plain data; null is as good as nothing. */
export type Value = Scalar | typeof UNKNOWN | readonly Value[] | { readonly [key: string]: Value };

type Scalar = string | number | boolean | undefined;

/**
 * Properties as CrossGuard gives them, as plain data: its own throw where a value is unknown, and with that one value
 * the rest of the resource would go unchecked.
 */
export function plain(properties: unknown): Value {
  if (isScalar(properties)) return properties;
  if (typeof properties !== "object" || properties === null) return undefined;
  const members = Object.keys(properties).map((key): [string, Value] => [key, memberOf(properties, key)]);
  return Array.isArray(properties) ? members.map(([, member]) => member) : Object.fromEntries(members);
}

function isScalar(value: unknown): value is Scalar {
  return ["string", "number", "boolean", "undefined"].includes(typeof value);
}

function memberOf(properties: object, key: string): Value {
  let member: unknown;
  try {
    member = Reflect.get(properties, key);
  } catch {
    // To read it throws for no other reason.
    return UNKNOWN;
  }
  return plain(member);
}

/** What stands at a path. Below something unknown all is unknown. */
export function at(value: Value, ...path: readonly string[]): Value {
  return path.reduce((inner, key) => (inner === UNKNOWN ? UNKNOWN : mapOf(inner)[key]), value);
}

/** The items of a list that are known. */
export function itemsAt(value: Value, ...path: readonly string[]): Value[] {
  const list = at(value, ...path);
  return isList(list) ? list.filter((item) => item !== UNKNOWN) : [];
}

/** The members of a map; none of what is no map. */
export function mapOf(value: Value): { readonly [key: string]: Value } {
  return typeof value === "object" && !isList(value) ? value : {};
}

/** What is unknown may be equal. */
export function mayEqual(a: Value, b: Value): boolean {
  return a === UNKNOWN || b === UNKNOWN || a === b;
}

/** Whether it is something else, and not merely unknown. */
export function isNot(value: Value, expected: Value): boolean {
  return !mayEqual(value, expected);
}

/** For messages. */
export function shown(value: Value): string {
  if (value === undefined) return "nothing";
  if (isList(value)) return `[${value.map(shown).join(", ")}]`;
  return typeof value === "object" || value === UNKNOWN ? "a map" : JSON.stringify(value);
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}
