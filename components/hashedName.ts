import { createHash, scrypt } from "node:crypto";
import { promisify } from "node:util";

type Content = Readonly<Record<string, string>>;

const digits = 10;
const deriveKey = promisify<string, string, number, Buffer>(scrypt);
/** What was slow once in this process: a Secret's name and what the route records of it are asked for apart. */
const derived = new Map<string, Promise<Buffer>>();

/** An immutable object's content is in its name: a change makes a new object, and a revert finds the old one's name. */
export function hashedName(name: string, content: Content): string {
  return `${name}-${contentHash(name, content)}`;
}

/** The same for a Secret: names are read by many, so guessing the content from this one is made slow. */
export async function secretName(name: string, content: Content): Promise<string> {
  return `${name}-${await secretHash(name, content)}`;
}

/** What tells the content of a hashed name from another. */
export function contentHash(name: string, content: Content): string {
  return createHash("sha256").update(canonical(name, content)).digest("hex").slice(0, digits);
}

/** The same of a secret name. */
export async function secretHash(name: string, content: Content): Promise<string> {
  const text = canonical(name, content);
  const deriving = derived.get(text) ?? deriveKey(text, "pyairtable", digits / 2);
  derived.set(text, deriving);
  return (await deriving).toString("hex");
}

function canonical(name: string, content: Content): string {
  return JSON.stringify([name, Object.entries(content).sort(([a], [b]) => (a < b ? -1 : 1))]);
}
