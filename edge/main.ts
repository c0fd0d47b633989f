import fs from "node:fs";
import path from "node:path";
import { parseStackFile } from "../config/stackFile";
import { changeBatch } from "./changeBatch";
import { recordSets } from "./recordSets";

/** `npm run -s dns -- STACK` prints the change of DNS that the stack's file asks for. */
function main([stack = "", ...others]: readonly string[]): string {
  if (!/^[\w-]+$/.test(stack) || others.length > 0) throw new Error("usage: npm run -s dns -- <stack>");
  const name = `Pulumi.${stack}.yaml`;
  const file = path.join(__dirname, "..", name);
  if (!fs.existsSync(file)) throw new Error(`found no ${name}`);
  const { dns, platform } = parseStackFile(fs.readFileSync(file, "utf8"));
  if (dns === undefined) throw new Error(`found no pyairtable:dns in ${name}`);
  return JSON.stringify(changeBatch(recordSets(dns, platform.domain)), undefined, 2);
}

try {
  process.stdout.write(`${main(process.argv.slice(2))}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
