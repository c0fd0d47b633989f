import fs from "node:fs";
import path from "node:path";
import { type RoutedTargetName, type TargetName, catalogEntry, routedTargets } from "../catalog";
import type { KubeApi } from "../cluster/kubeApi";
import { hostnameOf } from "../cluster/names";
import { proveSplit } from "../cluster/proof";
import { smokeCheck } from "../cluster/smokeCheck";
import { readStandbys } from "../cluster/standby";
import type { StackConfig } from "../config/parse";
import { BACKENDS, COLORS, type Color, splitHash } from "../migration";
import {
  type ChecklistFacts,
  type Health,
  type SmokeResult,
  type Staging,
  checklistOf,
} from "./checklistItems";
import { renderChecklist, renderChecklistMarkdown } from "./checklistView";
import { type ExitCode, exitCodes } from "./exitCodes";
import { readFileHistory } from "./fileHistory";
import { type Told, isUnreadable } from "./fileState";
import type { Project } from "./project";
import { Report } from "./report";
import type { TargetSituation } from "./situation";
import { readStackRecord } from "./stackRecord";
import { type Survey, survey } from "./survey";
import { reason } from "../cluster/thrown";

export interface ChecklistOptions {
  readonly project: Project;
  readonly json: boolean;
  readonly markdown: boolean;
}

/** The plan's checklists of a target, ticked from what file, git, state and cluster say. */
export async function checklist(
  target: TargetName,
  { project, json, markdown }: ChecklistOptions,
): Promise<ExitCode> {
  const facts = await readFacts(target, project);
  const sections = checklistOf(target, facts);
  const words = markdown
    ? renderChecklistMarkdown(target, sections)
    : renderChecklist(target, sections, process.stdout);
  new Report({ json }).result(words, {
    target,
    stack: project.stack,
    at: facts.situation.at.toISOString(),
    sections: sections.map(({ title, items }) => ({
      title,
      items: items.map((item) => ({
        text: item.text,
        state: item.state,
        fact: item.fact ?? null,
        who: item.state === "ask" ? item.who : null,
      })),
    })),
  });
  return exitCodes.done;
}

async function readFacts(target: TargetName, project: Project): Promise<ChecklistFacts> {
  const [surveyed, record] = await Promise.all([survey(project), readStackRecord(project)]);
  const { config, situation } = surveyed;
  const { environment } = config.platform;
  const { tier } = catalogEntry(target);
  const place = situation.targets.find((each) => each.target === target);
  const [health, smoke, staging] = await Promise.all([
    Promise.all(
      routedTargets
        .filter((each) => each === target || (tier === 1 && catalogEntry(each).tier === 1))
        .map(async (each) => [each, await healthOf(each, surveyed)] as const),
    ),
    place && smokeOf(place, surveyed),
    environment === "production"
      ? readStaging(project)
      : { unreadable: `stack ${project.stack} is not production` },
  ]);
  return {
    stack: project.stack,
    environment,
    situation,
    transitions: record.transitions,
    health: new Map(health),
    ...(smoke && { smoke }),
    staging,
  };
}

/** A replica of the proxy that hasn't the route by now isn't going to get it. */
const proofSeconds = 2;

/** Every backend that has traffic is ready, and every replica of the proxy serves the live split. */
async function healthOf(target: RoutedTargetName, { api, config, situation }: Survey): Promise<Health> {
  const split = situation.targets.find((each) => each.target === target)?.split;
  if (split === undefined) return { state: "red", text: "it has no route that can be believed" };
  const { namespace, legacyHost, domain, proxies } = config.platform;
  const { capacity } = config.targets[target];
  const [standbys, unproven] = await Promise.all([
    readStandbys(api, { target: catalogEntry(target), namespace, legacyHost, capacity }),
    proveSplit(api, {
      proxies,
      hostname: hostnameOf(target, domain),
      routeHash: splitHash(target, split),
      withinSeconds: proofSeconds,
    }).then(() => undefined, reason),
  ]);
  const serving = BACKENDS.filter((backend) => split[backend] > 0).map((backend) => standbys[backend]);
  const text = serving.map(({ detail }) => detail).join(", ");
  if (unproven !== undefined) return { state: "red", text: `${text}; ${unproven.split("\n")[0] ?? ""}` };
  const isBad = serving.some(({ fitness }) => fitness === "down" || fitness === "short");
  const isUnknown = serving.some(({ fitness }) => fitness === "unknown");
  return {
    state: isBad ? "red" : isUnknown ? "unknown" : "green",
    text: `${text}; every replica of the proxy serves the split`,
  };
}

async function smokeOf(place: TargetSituation, { api, config }: Survey): Promise<SmokeResult | undefined> {
  const color = COLORS.toSorted((a, b) => (place.split?.[b] ?? 0) - (place.split?.[a] ?? 0)).find(
    (each) => place.images[each] !== undefined,
  );
  return color && checkColor(api, config, place.target, color);
}

async function checkColor(
  api: KubeApi,
  { platform: { namespace, legacyHost } }: StackConfig,
  name: RoutedTargetName,
  color: Color,
): Promise<SmokeResult> {
  const target = catalogEntry(name);
  try {
    await smokeCheck(api, { target, backend: color, namespace, legacyHost });
    const checks = target.smokeChecks.map((check) => check.name).join(", ");
    return { color, passed: true, detail: `passes its smoke check (${checks})` };
  } catch (error) {
    // The first line says what an update would do about it.
    const [, ...failures] = reason(error).split("\n");
    return { color, passed: false, detail: `fails its smoke check: ${failures.join(" ").trim()}` };
  }
}

/** As the file beside this stack's says, and as git has tagged it. */
async function readStaging({ dir }: Project): Promise<Told<Staging>> {
  const file = path.join(dir, "Pulumi.staging.yaml");
  if (!fs.existsSync(file)) return { unreadable: "there is no Pulumi.staging.yaml" };
  try {
    const newest = (await readFileHistory(file, "staging")).versions.at(-1);
    if (newest === undefined) return { unreadable: "Pulumi.staging.yaml has no version" };
    const { state, commit } = newest;
    if (isUnreadable(state)) return state;
    return { state, ...(commit.good !== undefined && { good: commit.good }) };
  } catch (error) {
    return { unreadable: reason(error) };
  }
}
