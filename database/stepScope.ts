import { type Tagged, isNode, listOf, textOf } from "./syntaxTree";

/** What was there before a step: the columns of each relation (tables and views), by `schema.relation`. */
export type Before = ReadonlyMap<string, ReadonlySet<string>>;

/** What a step makes itself, which no release that runs can know. */
export interface StepScope {
  /** `schema.table` */
  readonly tables: ReadonlySet<string>;
  /** `schema.table` to the columns that the step adds, and whether a row of a release that doesn't know them has none. */
  readonly columns: ReadonlyMap<string, ReadonlyMap<string, { readonly isEmpty: boolean }>>;
}

/** @param statements of the whole step: what one makes, another may use, in whichever order they are told */
export function scopeOf(statements: readonly Tagged[], before: Before): StepScope {
  const tables = new Set<string>();
  const columns = new Map<string, Map<string, { isEmpty: boolean }>>();
  for (const { tag, node } of statements) {
    const relation = relationOf(node["relation"]);
    if (relation === undefined) continue;
    // CREATE TABLE IF NOT EXISTS makes none where there is one.
    if (tag === "CreateStmt" && !wasThere(node["relation"], before)) tables.add(relation);
    if (tag !== "AlterTableStmt") continue;
    for (const { definition, name } of addedColumns(node["cmds"])) {
      if (columnWasThere(node["relation"], name, before)) continue;
      const added = columns.get(relation) ?? new Map<string, { isEmpty: boolean }>();
      columns.set(relation, added.set(name, { isEmpty: !hasDefault(definition["constraints"]) }));
    }
  }
  return { tables, columns };
}

/** `schema.relation`; a name without a schema is taken to be of `public`, where the steps' search path leads. */
export function relationOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  const name = textOf(value["relname"]);
  return name === undefined ? undefined : `${textOf(value["schemaname"]) ?? "public"}.${name}`;
}

/** A name without a schema may mean a relation of any: it is taken for an old one as soon as one is called so. */
export function wasThere(value: unknown, before: Before): boolean {
  return oldRelations(value, before).length > 0;
}

function columnWasThere(value: unknown, column: string, before: Before): boolean {
  return oldRelations(value, before).some((relation) => before.get(relation)?.has(column) === true);
}

function oldRelations(value: unknown, before: Before): string[] {
  if (!isNode(value)) return [];
  const [schema, name] = [textOf(value["schemaname"]), textOf(value["relname"]) ?? ""];
  return [...before.keys()].filter((relation) =>
    schema === undefined
      ? relation.slice(relation.indexOf(".") + 1) === name
      : relation === `${schema}.${name}`,
  );
}

function addedColumns(commands: unknown): { name: string; definition: Readonly<Record<string, unknown>> }[] {
  return listOf(commands).flatMap(({ node }) => {
    const [column] = listOf([node["def"]]);
    const name = textOf(column?.node["colname"]);
    if (node["subtype"] !== "AT_AddColumn" || column === undefined || name === undefined) return [];
    return [{ name, definition: column.node }];
  });
}

function hasDefault(constraints: unknown): boolean {
  return listOf(constraints).some(({ node }) => node["contype"] === "CONSTR_DEFAULT");
}
