import { formatStep } from "../migration";
import { type ExitCode, exitCodes } from "./exitCodes";
import { renderPlan, renderPlanMarkdown } from "./planView";
import type { Project } from "./project";
import { Report } from "./report";
import { survey } from "./survey";

export interface PlanOptions {
  readonly project: Project;
  readonly json: boolean;
  readonly markdown: boolean;
}

/** Every step from here to all extracted. */
export async function plan({ project, json, markdown }: PlanOptions): Promise<ExitCode> {
  const { situation, head } = await survey(project);
  const words = markdown
    ? renderPlanMarkdown(situation)
    : `${head.join("\n")}\n\n${renderPlan(situation, process.stdout)}`;
  const targets = situation.targets.map(({ target, steps, heldBackBy, command }) => ({
    target,
    steps: steps.map(formatStep),
    heldBackBy,
    command: command ?? null,
  }));
  new Report({ json }).result(words, { head, at: situation.at.toISOString(), targets });
  return exitCodes.done;
}
