import { isDeepStrictEqual } from "node:util";
import { Document, isMap, isScalar, parseDocument, visit } from "yaml";
import type { ParsedNode, YAMLMap } from "yaml";
import type { RoutedTargetName } from "../catalog";
import { BACKENDS } from "../migration";
import type { Split } from "../migration";

/** What a stack file can hold. */
export type Value = string | number | boolean | readonly Value[] | { readonly [key: string]: Value };

/** The text of a Pulumi stack file with the traffic of `target` set to `split`; see `editStackFile`. */
export function setTraffic(text: string, target: RoutedTargetName, split: Split): string {
  return BACKENDS.reduce(
    (edited, backend) =>
      editStackFile(edited, ["config", `pyairtable:${target}`, "traffic", backend], split[backend]),
    text,
  );
}

/**
 * The text of a stack file with `value` at `path`. Nothing but the value's own characters changes, so
 * comments, order and layout stay; a key that is missing is added after the last one of its map.
 * @throws Error if the text is no YAML map, or the path leads through something that is no map
 */
export function editStackFile(text: string, path: readonly string[], value: Value): string {
  const root = parse(text);
  const before: unknown = parseDocument(text).toJS();
  if (isDeepStrictEqual(valueAt(before, path), value)) return text;
  const edited = splice(text, root, path, value);
  // A splice relies on positions in the text; this makes sure that it did what was asked and nothing else.
  if (!isDeepStrictEqual(parseDocument(edited).toJS(), withValue(before, path, value))) {
    throw new Error(
      `can't set ${path.join(".")} without changing something else in the file: edit it by hand`,
    );
  }
  return edited;
}

/**
 * The text of a stack file without the key at `path` and its lines; nothing else changes.
 * @throws Error if the key isn't there, or doesn't have its lines to itself
 */
export function removeFromStackFile(text: string, path: readonly string[]): string {
  const name = path.join(".");
  const before = parseDocument(text);
  const key = path.at(-1);
  const map: unknown = before.getIn(path.slice(0, -1));
  const pair = isMap<ParsedNode, ParsedNode | null>(map)
    ? map.items.find((item) => isScalar(item.key) && item.key.value === key)
    : undefined;
  if (pair === undefined) throw new Error(`${name} is not in the stack file`);
  const [keyStart] = pair.key.range;
  const [, end] = (pair.value ?? pair.key).range;
  const start = text.lastIndexOf("\n", keyStart) + 1;
  const content = text.slice(0, end).trimEnd().length;
  const lineEnd = text.indexOf("\n", content);
  const edited = text.slice(0, start) + (lineEnd === -1 ? "" : text.slice(lineEnd + 1));
  before.deleteIn(path);
  if (!isDeepStrictEqual(parseDocument(edited).toJS(), before.toJS())) {
    throw new Error(`can't remove ${name} without changing something else in the file: edit it by hand`);
  }
  return edited;
}

function parse(text: string): ParsedNode | null {
  const { contents, errors } = parseDocument(text);
  const [error] = errors;
  if (error !== undefined) throw new Error(`the stack file is not valid YAML: ${error.message}`);
  return contents;
}

function splice(text: string, root: ParsedNode | null, path: readonly string[], value: Value): string {
  let node = root;
  for (const [depth, key] of path.entries()) {
    // A key without a value: `settings:`
    if (isScalar(node) && node.value === null) return replace(text, node, nest(path.slice(depth), value));
    if (!isMap(node)) throw new Error(`${path.slice(0, depth).join(".") || "the stack file"} is not a map`);
    const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
    if (pair === undefined) return insert(text, node, key, nest(path.slice(depth + 1), value));
    node = pair.value;
  }
  if (node === null) throw new Error(`${path.join(".")} has no value to replace: edit it by hand`);
  return replace(text, node, value);
}

function replace(text: string, node: ParsedNode, value: Value): string {
  const [start, end] = node.range;
  // A block's range includes the line break after it.
  const old = text.slice(start, end).trimEnd();
  const after = start + old.length;
  const gapBefore = old === "" && text[start - 1] === ":" ? " " : "";
  const gapAfter = old === "" && text[after] === "#" ? " " : "";
  return text.slice(0, start) + gapBefore + inline(value) + gapAfter + text.slice(after);
}

function insert(text: string, map: YAMLMap.Parsed, key: string, value: Value): string {
  const first = map.items[0];
  const last = map.items.at(-1);
  if (first === undefined || last === undefined) return replace(text, map, { [key]: value });
  const [start, end] = [first.key.range[0], (last.value ?? last.key).range[1]];
  const content = text.slice(0, end).trimEnd();
  const pair = `${inline(key)}: ${inline(value)}`;
  if (map.flow === true) return `${content}, ${pair}${text.slice(content.length)}`;
  const column = start - (text.lastIndexOf("\n", start - 1) + 1);
  const lineBreak = text.includes("\r\n") ? "\r\n" : "\n";
  // After the last pair's line, so that a comment at its end stays with it.
  const lineEnd = content.length + text.slice(content.length).search(/\r?\n|$/);
  return text.slice(0, lineEnd) + lineBreak + " ".repeat(column) + pair + text.slice(lineEnd);
}

/** On one line, quoted where it must be to stand in a flow map too. */
function inline(value: Value): string {
  const document = new Document([value]);
  visit(document, { Collection: (_, node) => void (node.flow = true) });
  const text = document.toString({ lineWidth: 0 });
  // Not `trim`: a value may be a blank that YAML writes as it is.
  return text.replace(/^\[ ?([^]*?) ?\]\n$/, "$1");
}

function nest(path: readonly string[], value: Value): Value {
  return path.reduceRight<Value>((inner, key) => ({ [key]: inner }), value);
}

function valueAt(root: unknown, [key, ...rest]: readonly string[]): unknown {
  return key === undefined ? root : valueAt(members(root)[key], rest);
}

function withValue(root: unknown, [key, ...rest]: readonly string[], value: Value): unknown {
  return key === undefined ? value : { ...members(root), [key]: withValue(members(root)[key], rest, value) };
}

function members(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
