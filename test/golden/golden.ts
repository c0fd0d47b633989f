import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

const updating = process.env["UPDATE_GOLDEN"] === "1";
const actualFolder = path.join(__dirname, "../../out/golden");

/** Compares a graph with `<name>.json` beside this file, or with UPDATE_GOLDEN=1 writes it there. @throws Error with a diff */
export function matchGolden(name: string, graph: unknown): void {
  const expectedFile = path.join(__dirname, `${name}.json`);
  const actual = `${JSON.stringify(presentable(graph), undefined, 2)}\n`;
  if (updating) {
    fs.writeFileSync(expectedFile, actual);
    return;
  }
  if (fs.existsSync(expectedFile) && fs.readFileSync(expectedFile, "utf8") === actual) return;
  fs.mkdirSync(actualFolder, { recursive: true });
  const actualFile = path.join(actualFolder, `${name}.json`);
  fs.writeFileSync(actualFile, actual);
  throw new Error(
    `the graph ${name} has changed; if that is meant: npm run golden\n${diff(expectedFile, actualFile)}`,
  );
}

/** With keys in order and without what is secret. */
function presentable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(presentable);
  if (typeof value !== "object" || value === null) return value;
  if ("[secret]" in value) return "[secret]";
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([key, member]) => [key, presentable(member)]));
}

/** Unified, with enough context to show which resource a line belongs to. */
function diff(expectedFile: string, actualFile: string): string {
  const expected = fs.existsSync(expectedFile) ? expectedFile : "/dev/null";
  const { stdout, error } = spawnSync("git", ["diff", "--no-index", "--unified=6", expected, actualFile], {
    encoding: "utf8",
  });
  return error ? `no diff: ${error.message}` : stdout;
}
