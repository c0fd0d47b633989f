import { alterTable } from "./alterTable";
import { versionTable } from "./stepRecord";
import { type Refusal, notOnTheList } from "./refusal";
import { type Before, type StepScope, relationOf, scopeOf, wasThere } from "./stepScope";
import { type Tagged, isNode, listOf, namesIn, parseSql, textOf, within } from "./syntaxTree";

export interface RefusedStatement extends Refusal {
  readonly statement: string;
}

export interface StepVerdict {
  /** Contract: some statement isn't on the list. */
  readonly kind: "expand" | "contract";
  readonly refused: readonly RefusedStatement[];
}

/**
 * Judges a step by the list of statements that a release which doesn't know the step can live with, before, while and
 * after they run. What isn't on the list is refused, whatever it may be.
 * @param statements all that the step has run, in any order, as pg_stat_statements tells them
 */
export async function judgeStatements(statements: readonly string[], before: Before): Promise<StepVerdict> {
  const read = await Promise.all(
    statements.map(async (statement) => {
      try {
        return { statement, parts: await parseSql(statement) };
      } catch (error) {
        return { statement, parts: [], unreadable: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
  const scope = scopeOf(
    read.flatMap(({ parts }) => parts),
    before,
  );
  const refused = read.flatMap(({ statement, parts, unreadable }): RefusedStatement[] => {
    if (unreadable !== undefined) {
      return [{ statement, found: `what PostgreSQL's parser can't read: ${unreadable}`, why: notOnTheList }];
    }
    return parts.flatMap((part) => refusals(part, scope, before).map((each) => ({ statement, ...each })));
  });
  return { kind: refused.length === 0 ? "expand" : "contract", refused };
}

type Rule = (statement: Tagged, scope: StepScope, before: Before) => readonly Refusal[];

function refusals(statement: Tagged, scope: StepScope, before: Before): readonly Refusal[] {
  const rule = list[statement.tag];
  if (rule === undefined) return [{ found: wordsOf(statement.tag), why: notOnTheList }];
  return [...rule(statement, scope, before), ...inside(statement, scope)];
}

/** The list. */
const list: Readonly<Record<string, Rule>> = {
  CreateStmt: createTable,
  AlterTableStmt: alterTable,
  IndexStmt: createIndex,
  CompositeTypeStmt: pass,
  CreateEnumStmt: pass,
  CreateRangeStmt: pass,
  CreateSeqStmt: pass,
  ViewStmt: createView,
  CommentStmt: pass,
  SelectStmt: pass,
  // Judged with those that stand inside of others.
  InsertStmt: (statement, scope) => write(statement, scope),
  UpdateStmt: (statement, scope) => write(statement, scope),
  TransactionStmt: transaction,
};

function pass(): readonly Refusal[] {
  return [];
}

function createTable({ node }: Tagged, scope: StepScope): readonly Refusal[] {
  const refusals: Refusal[] = [];
  const { relation } = node;
  if (isNode(relation) && relation["relpersistence"] === "u") {
    refusals.push({ found: "CREATE UNLOGGED TABLE", why: "no backup has what is in it" });
  }
  for (const { node: parent } of listOf(node["inhRelations"])) {
    const name = relationOf(parent);
    if (name !== undefined && scope.tables.has(name)) continue;
    const found = `CREATE TABLE … ${node["partbound"] === undefined ? "INHERITS" : "PARTITION OF"} ${name ?? "?"}`;
    refusals.push({ found, why: "it locks that table, and its rows turn up there" });
  }
  return refusals;
}

function createIndex({ node }: Tagged, scope: StepScope): readonly Refusal[] {
  const table = relationOf(node["relation"]) ?? "?";
  if (scope.tables.has(table)) return [];
  if (node["concurrent"] !== true) {
    return [
      {
        found: `CREATE INDEX on ${table} without CONCURRENTLY`,
        why: "nobody can write into a table that was there before for as long as it is built",
      },
    ];
  }
  if (node["unique"] !== true) return [];
  const columns = listOf(node["indexParams"]).flatMap(({ node: element }) => textOf(element["name"]) ?? []);
  const added = scope.columns.get(table);
  if (columns.some((column) => added?.get(column)?.isEmpty === true)) return [];
  return [
    {
      found: `CREATE UNIQUE INDEX on ${table} (${columns.join(", ")})`,
      why: "it refuses what a running release may write; expected a nullable column of this step in it, without a default",
    },
  ];
}

function createView({ node }: Tagged, _scope: StepScope, before: Before): readonly Refusal[] {
  if (node["replace"] !== true || !wasThere(node["view"], before)) return [];
  const name = relationOf(node["view"]) ?? "?";
  return [{ found: `CREATE OR REPLACE VIEW ${name}`, why: "a running release may read the view as it was" }];
}

function transaction({ node }: Tagged): readonly Refusal[] {
  const kind = textOf(node["kind"]) ?? "";
  if (!/PREPARE/.test(kind)) return [];
  return [{ found: "a prepared transaction", why: "it keeps its locks when the step has ended" }];
}

/** INSERT and UPDATE: only what no running release knows. */
function write({ tag, node }: Tagged, { tables, columns }: StepScope): readonly Refusal[] {
  const table = relationOf(node["relation"]) ?? "?";
  if (tables.has(table) || isVersionTable(table)) return [];
  if (tag === "InsertStmt") {
    return [
      { found: `INSERT INTO ${table}`, why: "a running release reads that table, and doesn't expect it" },
    ];
  }
  const added = columns.get(table);
  const changed = listOf(node["targetList"]).flatMap(({ node: target }) => textOf(target["name"]) ?? []);
  const old = changed.filter((column) => added?.has(column) !== true);
  if (old.length === 0) return [];
  return [
    {
      found: `UPDATE ${table} SET ${old.join(", ")}`,
      why: "it changes what a running release reads and writes",
    },
  ];
}

function isVersionTable(table: string): boolean {
  return table.endsWith(`.${versionTable}`);
}

/** What a statement that reads, or makes something new, may have inside. */
function inside({ node }: Tagged, scope: StepScope): readonly Refusal[] {
  const writes = within(node, "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt").flatMap((statement) =>
    statement.tag === "InsertStmt" || statement.tag === "UpdateStmt"
      ? write(statement, scope)
      : [{ found: `${wordsOf(statement.tag)} inside another statement`, why: notOnTheList }],
  );
  const into =
    node["intoClause"] === undefined
      ? []
      : [{ found: "SELECT … INTO", why: "expected CREATE TABLE and INSERT instead" }];
  const calls = within(node, "FuncCall").flatMap(({ node: call }) => {
    const name = namesIn(call["funcname"]).at(-1) ?? "";
    return acts.test(name) ? [{ found: `a call of ${name}()`, why: "it does more than read" }] : [];
  });
  return [...writes, ...into, ...calls];
}

/** PostgreSQL's own functions that change what isn't seen as a statement. */
const acts =
  /^(setval|set_config|lo_.*|pg_(terminate|cancel)_backend|pg_reload_conf|pg_rotate_logfile|dblink.*|query_to_xml.*)$/;

/** `DropStmt` is PostgreSQL's `DROP`. */
function wordsOf(tag: string): string {
  const words = tag.replace(/Stmt$/, "").replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ");
  return words.toUpperCase();
}
