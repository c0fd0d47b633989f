import fs from "node:fs";
import path from "node:path";
import { z } from "zod";
import { reason } from "../../cluster/thrown";
import { run } from "../../tools/child";

const configMapSchema = z.object({
  metadata: z.object({ name: z.string() }),
  data: z.record(z.string(), z.string()).optional(),
});

/** What became of the rules. */
export interface RuleFiles {
  /** Something is other than it was: Prometheus has to read them again. */
  readonly changed: boolean;
  /** Refused files with promtool's words; what was there before is still in force. */
  readonly refused: ReadonlyMap<string, string>;
}

/**
 * Makes the folder's rule files those of the ConfigMaps, each looked at by promtool first: one broken file would
 * keep Prometheus from reading any.
 */
export async function writeRuleFiles(
  configMaps: readonly unknown[],
  dir: string,
  promtool: string,
): Promise<RuleFiles> {
  const wanted = new Map(
    configMaps
      .map((configMap) => configMapSchema.parse(configMap))
      .flatMap(({ metadata, data }) =>
        Object.entries(data ?? {}).map(([key, content]) => [fileName(metadata.name, key), content] as const),
      ),
  );
  const refused = new Map<string, string>();
  let changed = false;
  for (const [name, content] of wanted) {
    const file = path.join(dir, name);
    if (fs.existsSync(file) && fs.readFileSync(file, "utf8") === content) continue;
    const next = `${file}.next`;
    fs.writeFileSync(next, content);
    try {
      await run(promtool, ["check", "rules", next]);
      fs.renameSync(next, file);
      changed = true;
    } catch (error) {
      fs.rmSync(next);
      refused.set(name, reason(error));
    }
  }
  for (const name of fs.readdirSync(dir)) {
    if (wanted.has(name)) continue;
    fs.rmSync(path.join(dir, name));
    changed = true;
  }
  return { changed, refused };
}

/** Prometheus reads what ends in `.yaml`. */
function fileName(configMap: string, key: string): string {
  return `${configMap}.${key.replace(/\.ya?ml$/, "")}.yaml`;
}
