import fs from "node:fs";
import path from "node:path";
import type { Toolbox } from "../tools/acquire";
import { showProgress } from "../tools/progress";
import { outDir } from "./paths";
import { type Step, startPlatform } from "./platform/up";

/** Brings the platform up and shows what is being waited for; leaves each part's seconds in `out/start.json`. */
export async function bringUp(tools: Toolbox): Promise<void> {
  const seconds: Record<string, number> = {};
  await showProgress([
    {
      title: "Local platform",
      run: async (report) => {
        const waitingFor = new Set<string>();
        const step: Step = async (title, work) => {
          const started = Date.now();
          waitingFor.add(title);
          report([...waitingFor].join(", "));
          try {
            return await work();
          } finally {
            waitingFor.delete(title);
            report([...waitingFor].join(", "));
            seconds[title] = (Date.now() - started) / 1000;
          }
        };
        await startPlatform(tools, step);
      },
    },
  ]);
  fs.mkdirSync(outDir, { recursive: true });
  fs.writeFileSync(path.join(outDir, "start.json"), `${JSON.stringify(seconds, undefined, 2)}\n`);
}
