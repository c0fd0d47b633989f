import fs from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { checkoutDir } from "../../local/paths";

const environment = z.record(z.string(), z.union([z.string(), z.number()]).transform(String)).default({});

const step = z.strictObject({
  id: z.string().optional(),
  name: z.string().optional(),
  if: z.string().optional(),
  uses: z.string().optional(),
  with: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  run: z.string().optional(),
  env: environment,
});

const concurrency = z.strictObject({ group: z.string(), "cancel-in-progress": z.boolean() });

const job = z.strictObject({
  needs: z.union([z.string(), z.array(z.string())]).optional(),
  if: z.string().optional(),
  environment: z.string().optional(),
  strategy: z.unknown().optional(),
  concurrency: concurrency.optional(),
  "runs-on": z.string(),
  "timeout-minutes": z.number().optional(),
  permissions: z.record(z.string(), z.string()),
  outputs: z.record(z.string(), z.string()).optional(),
  env: environment,
  steps: z.array(step),
});

const workflow = z.strictObject({
  name: z.string(),
  "run-name": z.string().optional(),
  on: z.record(z.string(), z.unknown()),
  permissions: z.record(z.string(), z.string()).optional(),
  defaults: z.strictObject({ run: z.strictObject({ shell: z.literal("bash") }) }),
  jobs: z.record(z.string(), job),
});

export type Step = z.infer<typeof step>;
export type Job = z.infer<typeof job>;
export type Workflow = z.infer<typeof workflow>;

const folder = path.join(checkoutDir, ".github", "workflows");

/** Their names, which are those of their files. */
export const workflowNames = fs.readdirSync(folder).map((file) => path.basename(file, ".yml"));

export function workflowText(name: string): string {
  return fs.readFileSync(path.join(folder, `${name}.yml`), "utf8");
}

/** @throws ZodError on a key that these tests don't know: say there what it may be */
export function readWorkflow(name: string): Workflow {
  return workflow.parse(parse(workflowText(name)));
}

export function jobOf(name: string, jobName: string): Job {
  const found = readWorkflow(name).jobs[jobName];
  if (found === undefined) throw new Error(`found no job ${jobName} in ${name}.yml`);
  return found;
}
