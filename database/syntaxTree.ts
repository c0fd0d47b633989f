import { parse } from "libpg-query";
import { z } from "zod";

/** A node of PostgreSQL's own syntax tree: its fields by name. */
export type Node = Readonly<Record<string, unknown>>;

/** A node with what it is: `AlterTableStmt`. */
export interface Tagged {
  readonly tag: string;
  readonly node: Node;
}

/** The statements in `sql`, as PostgreSQL 15 reads them. @throws Error with the parser's words */
export async function parseSql(sql: string): Promise<readonly Tagged[]> {
  const { stmts } = parsed.parse(await parse(sql));
  return stmts.flatMap(({ stmt }) => taggedOf(stmt));
}

const parsed = z.object({ stmts: z.array(z.object({ stmt: z.unknown() })).default([]) });

/** A node is written as an object whose one key says what it is. */
export function taggedOf(value: unknown): Tagged[] {
  if (!isNode(value)) return [];
  return Object.entries(value).flatMap(([tag, node]) => (isNode(node) ? [{ tag, node }] : []));
}

export function listOf(value: unknown): readonly Tagged[] {
  return Array.isArray(value) ? value.flatMap(taggedOf) : [];
}

/** All nodes below `value` that are of one kind, at any depth. */
export function within(value: unknown, ...tags: readonly string[]): Tagged[] {
  if (Array.isArray(value)) return value.flatMap((each: unknown) => within(each, ...tags));
  if (!isNode(value)) return [];
  return Object.entries(value).flatMap(([tag, node]) => [
    ...(tags.includes(tag) && isNode(node) ? [{ tag, node }] : []),
    ...within(node, ...tags),
  ]);
}

/** The parts of a dotted name. */
export function namesIn(value: unknown): readonly string[] {
  return listOf(value).flatMap(({ node }) => (typeof node["sval"] === "string" ? [node["sval"]] : []));
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
