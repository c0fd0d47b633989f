import { type Refusal, notOnTheList } from "./refusal";
import { type StepScope, relationOf } from "./stepScope";
import { type Node, type Tagged, listOf, namesIn, taggedOf, textOf, within } from "./syntaxTree";

/** ALTER TABLE, each of its commands by itself. */
export function alterTable({ node }: Tagged, scope: StepScope): readonly Refusal[] {
  const table = relationOf(node["relation"]) ?? "?";
  if (node["objtype"] !== "OBJECT_TABLE") {
    const what = (textOf(node["objtype"]) ?? "").replace("OBJECT_", "").replaceAll("_", " ");
    return [{ found: `ALTER ${what} ${table}`, why: notOnTheList }];
  }
  return listOf(node["cmds"]).flatMap(({ node: command }) => {
    if (scope.tables.has(table)) return ownTable(command, table);
    const [part] = listOf([command["def"]]);
    switch (command["subtype"]) {
      case "AT_AddColumn":
        return addColumn(part?.node ?? {}, table);
      case "AT_AddConstraint":
        return addConstraint(part?.node ?? {}, table, scope);
      case "AT_ValidateConstraint":
        return [];
      default:
        return [refused(command, table)];
    }
  });
}

/** A table that the step itself has made: nobody else uses it yet. */
function ownTable(command: Node, table: string): readonly Refusal[] {
  const harmless = [
    "AT_AddColumn",
    "AT_AddConstraint",
    "AT_ValidateConstraint",
    "AT_ColumnDefault",
    "AT_SetNotNull",
  ];
  return harmless.includes(textOf(command["subtype"]) ?? "") ? [] : [refused(command, table)];
}

function refused(command: Node, table: string): Refusal {
  const words = (textOf(command["subtype"]) ?? "")
    .replace("AT_", "")
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ")
    .toUpperCase();
  const name = textOf(command["name"]);
  return {
    found: `ALTER TABLE ${table}: ${words}${name === undefined ? "" : ` ${name}`}`,
    why: notOnTheList,
  };
}

/** What needs neither the table to be written anew nor its rows to be looked at. */
function addColumn(column: Node, table: string): readonly Refusal[] {
  const found = `ADD COLUMN ${table}.${textOf(column["colname"]) ?? "?"}`;
  const type = typeOf(column);
  if (/^(small|big)?serial[248]?$/.test(type)) {
    return [{ found: `${found} ${type}`, why: "the table is written anew, and nobody can use it meanwhile" }];
  }
  const constraints = listOf(column["constraints"]).map(({ node }) => node);
  const value = constraints.find(({ contype }) => contype === "CONSTR_DEFAULT")?.["raw_expr"];
  return constraints.flatMap((constraint): readonly Refusal[] => {
    const kind = textOf(constraint["contype"]) ?? "";
    if (kind === "CONSTR_NULL") return [];
    if (kind === "CONSTR_DEFAULT") return isConstant(value) ? [] : [{ found: `${found} … DEFAULT`, ...anew }];
    if (kind === "CONSTR_NOTNULL") {
      return value !== undefined && isConstant(value) && !isNull(value)
        ? []
        : [{ found: `${found} … NOT NULL`, why: noDefault }];
    }
    const words = inline[kind];
    return [
      words === undefined
        ? { found: `${found} … ${kind.replace("CONSTR_", "")}`, why: notOnTheList }
        : { found: `${found} … ${words.words}`, why: words.why },
    ];
  });
}

const anew = {
  why: "expected a constant: with any other default the table may be written anew, and nobody can use it meanwhile",
};
const noDefault =
  "a running release writes rows without it: expected none, or a constant default that isn't null";
const scan = "all rows are looked at, and nobody can use the table meanwhile";
const inline: Readonly<Record<string, { readonly words: string; readonly why: string }>> = {
  CONSTR_UNIQUE: { words: "UNIQUE", why: `${scan}; expected CREATE UNIQUE INDEX CONCURRENTLY` },
  CONSTR_PRIMARY: { words: "PRIMARY KEY", why: scan },
  CONSTR_FOREIGN: {
    words: "REFERENCES",
    why: `${scan}; expected ADD CONSTRAINT … NOT VALID, and VALIDATE CONSTRAINT after it`,
  },
  CONSTR_CHECK: {
    words: "CHECK",
    why: `${scan}; expected ADD CONSTRAINT … NOT VALID, and VALIDATE CONSTRAINT after it`,
  },
  CONSTR_GENERATED: { words: "GENERATED … STORED", why: "the table is written anew" },
  CONSTR_IDENTITY: { words: "GENERATED … AS IDENTITY", why: "the table is written anew" },
};

/** A constraint over columns that a running release doesn't know, and whose rows nobody has to look at now. */
function addConstraint(constraint: Node, table: string, scope: StepScope): readonly Refusal[] {
  const kind = textOf(constraint["contype"]) ?? "";
  const name = textOf(constraint["conname"]) ?? "?";
  const found = `ADD CONSTRAINT ${name} on ${table}`;
  if (kind !== "CONSTR_CHECK" && kind !== "CONSTR_FOREIGN") {
    return [{ found, why: `expected a CHECK or FOREIGN KEY, and a UNIQUE INDEX made CONCURRENTLY` }];
  }
  if (constraint["skip_validation"] !== true) {
    return [{ found: `${found} without NOT VALID`, why: scan }];
  }
  const added = scope.columns.get(table);
  const columns =
    kind === "CONSTR_FOREIGN" ? namesIn(constraint["fk_attrs"]) : columnsOf(constraint["raw_expr"]);
  const old = columns.filter((column) => added?.has(column) !== true);
  if (columns.length > 0 && old.length === 0) return [];
  const which = old.length === 0 ? "" : ` over ${old.join(", ")}`;
  return [
    {
      found: `${found}${which}`,
      why: "it refuses what a running release may write; expected columns of this step only",
    },
  ];
}

function columnsOf(expression: unknown): string[] {
  return within(expression, "ColumnRef").flatMap(({ node }) => namesIn(node["fields"]).at(-1) ?? "*");
}

function typeOf(column: Node): string {
  const [type] = taggedOf({ type: column["typeName"] });
  return namesIn(type?.node["names"]).at(-1) ?? "";
}

/** A literal, with or without a cast, or the time of the step. */
function isConstant(value: unknown): boolean {
  return taggedOf(value).some(({ tag, node }) => {
    if (tag === "TypeCast") return isConstant(node["arg"]);
    if (tag === "FuncCall") return namesIn(node["funcname"]).at(-1) === "now" && node["args"] === undefined;
    return tag === "A_Const" || tag === "SQLValueFunction";
  });
}

function isNull(value: unknown): boolean {
  return within([value], "A_Const").some(({ node }) => node["isnull"] === true);
}
