import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import type { Context } from "mocha";
import { stringify } from "yaml";
import { type Series, scrapeSeconds } from "./scrapes";

/** How often an alert was seen to fire, by then. */
export interface Expected {
  readonly alert: string;
  readonly second: number;
  /** At that moment, or ever until then. */
  readonly when: "now" | "ever";
  readonly fires: boolean;
}

/** The real promtool; a suite that has none is skipped, and says so. */
export function promtoolOrSkip(context: Context): string {
  const promtool = process.env["PROMTOOL"];
  if (promtool !== undefined) return promtool;
  console.log("    skipped: PROMTOOL doesn't name the binary promtool");
  return context.skip();
}

/** Has Prometheus' own engine evaluate the rules over what was scraped; throws in its words if it found otherwise. */
export async function testRules(
  promtool: string,
  rules: string,
  scraped: readonly Series[],
  expected: readonly Expected[],
): Promise<void> {
  await testFile(promtool, rules, {
    input_series: scraped,
    promql_expr_test: expected.map(({ alert, second, when, fires }) => {
      const firing = `ALERTS{alertname="${alert}", alertstate="firing"}`;
      const seen = when === "now" ? firing : `count_over_time(${firing}[1d])`;
      return {
        expr: `count(${seen}) or vector(0)`,
        eval_time: `${second * 1_000}ms`,
        exp_samples: [{ labels: "{}", value: fires ? 1 : 0 }],
      };
    }),
  });
}

/** @param test as `promtool test rules` reads it, but for its interval */
export async function testFile(promtool: string, rules: string, test: object): Promise<void> {
  const interval = `${scrapeSeconds}s`;
  const file = { rule_files: ["rules.yaml"], evaluation_interval: interval, tests: [{ interval, ...test }] };
  await run(promtool, ["test", "rules", "test.yaml"], {
    "rules.yaml": rules,
    "test.yaml": stringify(file, { lineWidth: 0 }),
  });
}

/** Has Prometheus read the rules as it would on its start. */
export async function checkRules(promtool: string, rules: string): Promise<void> {
  await run(promtool, ["check", "rules", "rules.yaml"], { "rules.yaml": rules });
}

async function run(
  promtool: string,
  args: readonly string[],
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "promtool-"));
  try {
    for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), text);
    await promisify(execFile)(promtool, args, { cwd: folder });
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}
