import { type RoutedTargetName, type TargetName, catalogEntry, routedTargets } from "../catalog";
import { COLORS, type Color, type Stage, formatSplit, formatTime, holder } from "../migration";
import type { FileState, Owner, Told } from "./fileState";
import { isUnreadable } from "./fileState";
import { secondsText } from "./kpis";
import type { Situation, TargetSituation } from "./situation";
import type { CarriedOut } from "./stackRecord";
import { shortImage } from "./shortImage";
import { isRollback } from "./transitions";

/** One line of a checklist. Ticked only by a fact. */
export type Item = { readonly text: string } & Verdict;

export type Verdict =
  | { readonly state: "done"; readonly fact: string }
  /** A fact says: not yet. */
  | { readonly state: "open"; readonly fact: string }
  /** No fact decides it; `fact` is what is known all the same. */
  | { readonly state: "ask"; readonly who: string; readonly fact?: string };

export interface Section {
  readonly title: string;
  readonly items: readonly Item[];
}

/** Whether what serves a target's users works at this moment. */
export interface Health {
  /** `unknown`: part of it can't be asked from here. */
  readonly state: "green" | "red" | "unknown";
  readonly text: string;
}

export interface SmokeResult {
  readonly color: Color;
  readonly passed: boolean;
  readonly detail: string;
}

/** What staging's stack file asks for, and the good tag of its newest version if that has one. */
export interface Staging {
  readonly state: FileState;
  readonly good?: string;
}

export interface ChecklistFacts {
  readonly stack: string;
  readonly environment: "local" | "staging" | "production";
  readonly situation: Situation;
  /** Oldest first: of all targets. */
  readonly transitions: readonly CarriedOut[];
  /** Of the asked target, and of all of tier 1 if it is one of them. */
  readonly health: ReadonlyMap<RoutedTargetName, Health>;
  /** Of the asked target's candidate or release; absent where no colour runs. */
  readonly smoke?: SmokeResult;
  /** In production: what is known of the staging stack, or why nothing is. */
  readonly staging: Told<Staging>;
}

/** The plan's checklists of one target. */
export function checklistOf(target: TargetName, facts: ChecklistFacts): readonly Section[] {
  const judge = target === "infrastructure" ? infrastructureJudge(facts) : targetJudge(target, facts);
  const items = (texts: readonly string[]): Item[] => texts.map((text) => ({ text, ...judge(text) }));
  return [
    { title: "Pre-Extraction", items: items(preExtraction) },
    { title: "During Extraction", items: items(duringExtraction) },
    { title: "Post-Extraction", items: items(catalogEntry(target).successCriteria) },
    ...wholeMigration(target, facts),
  ];
}

/** The plan's service extraction template. What comes after the extraction is the target's own, in the catalog. */
const preExtraction = [
  "Service dependency mapping complete",
  "Database migration plan validated",
  "Rollback procedure documented and tested",
  "Staging environment prepared",
] as const;

const duringExtraction = [
  "Code extracted to new repository",
  "CI/CD pipeline configured",
  "Docker images built and tested",
  "Database migrations applied to staging",
  "Integration tests passing",
  "Performance benchmarks within tolerance",
] as const;

/** With who would know. */
const beforeAny = [
  ["Complete backup of all repositories and databases", "the technical lead"],
  ["Rollback procedures tested and documented", "the technical lead"],
  ["Team trained on migration process", "the team lead"],
  ["Stakeholder communication plan executed", "the product manager"],
  ["Emergency contact list prepared", "the product manager"],
] as const;

const afterAll = [
  "All services deployed and monitored for 1 week",
  "Feature delivery capability restored",
  "Development velocity metrics improved",
  "Technical debt reduced to acceptable levels",
  "Team satisfaction survey completed",
] as const;

const noEvidence = "not measured: no evidence source";

const healthCriterion = "Health checks green for 24 hours";

type Judge = (text: string) => Verdict;

/** Of what no fact decides: who would know, where it isn't the technical lead. */
const askers: Readonly<Record<string, "maintainers" | "the product manager" | "the team lead">> = {
  "Code extracted to new repository": "maintainers",
  "CI/CD pipeline configured": "maintainers",
  "Docker images built and tested": "maintainers",
  "Integration tests passing": "maintainers",
  "Performance benchmarks within tolerance": "maintainers",
  "All API endpoints respond correctly": "maintainers",
  "Response times within 20% of baseline": "maintainers",
  "Zero authentication failures": "maintainers",
  "Authentication service cleaned and deployed": "maintainers",
  "LLM Orchestrator extracted and validated": "maintainers",
  "Airtable Gateway separated and optimized": "maintainers",
  "Automation Services consolidated": "maintainers",
  "Documentation updated and complete": "maintainers",
  "Health checks green for 24 hours": "maintainers",
  "Documentation updated": "maintainers",
  "Zero user-reported issues during switch": "the product manager",
  "All features working in production": "the product manager",
  "User acceptance testing completed": "the product manager",
  "Team training completed": "the team lead",
};

function ask(target: TargetName, text: string, fact?: string): Verdict {
  const asker = askers[text] ?? "the technical lead";
  const who = asker === "maintainers" ? `the maintainers of ${catalogEntry(target).repository}` : asker;
  return { state: "ask", who, ...(fact !== undefined && { fact }) };
}

function done(fact: string): Verdict {
  return { state: "done", fact };
}

function open(fact: string): Verdict {
  return { state: "open", fact };
}

function targetJudge(target: RoutedTargetName, facts: ChecklistFacts): Judge {
  const place = facts.situation.targets.find((each) => each.target === target);
  const own = facts.transitions.filter((each) => each.target === target);
  return (text) => {
    switch (text) {
      case "Service dependency mapping complete":
        return done(dependencies(target));
      case "Rollback procedure documented and tested":
        return rollbackTested(own, `cutover rollback ${target}`);
      case "Staging environment prepared":
        return stagingPrepared(target, text, place, facts);
      case "Docker images built and tested":
        return imagesTested(target, text, place, facts);
      case "Performance benchmarks within tolerance":
      case "Response times within 20% of baseline":
      case "Zero authentication failures":
        return ask(target, text, noEvidence);
      case "Production deployment successful":
        return deployed(own, place, facts);
      case healthCriterion:
        return healthyFor(target, place, facts);
      case "Frontend deploys independently in <5 minutes":
        return deploysWithin(300, target, facts);
      case "MCP Server extracted with all 14 tools":
        return extractedAndChecked(place, facts);
      default:
        return afterSwitch.has(text) && !hasSwitched(place)
          ? open(whereItIs(place))
          : ask(target, text, afterSwitch.has(text) ? whereItIs(place) : undefined);
    }
  };
}

/** What can't be so before all traffic is on a colour. */
const afterSwitch: ReadonlySet<string> = new Set([
  "User acceptance testing completed",
  "Zero user-reported issues during switch",
  "All features working in production",
  "All API endpoints respond correctly",
  "Authentication service cleaned and deployed",
  "Airtable Gateway separated and optimized",
  "Automation Services consolidated",
  "LLM Orchestrator extracted and validated",
  "Documentation updated and complete",
]);

const switched: readonly (Stage | undefined)[] = ["soaking", "soaked", "extracted", "releasing"];

function hasSwitched(place: TargetSituation | undefined): boolean {
  return switched.includes(place?.stage);
}

/** `blue 100 since 2025-08-11 09:00Z, soaked` */
function whereItIs(place: TargetSituation | undefined): string {
  const { split, since, stage } = place ?? {};
  if (split === undefined || since === undefined || stage === undefined) return "it has no route to judge by";
  return `${formatSplit(split)} since ${formatTime(since)}, ${stage}`;
}

function dependencies(target: RoutedTargetName): string {
  const { dependencies: calls } = catalogEntry(target);
  const callers = routedTargets.filter((each) => catalogEntry(each).dependencies.includes(target));
  const list = (names: readonly string[]): string => (names.length === 0 ? "no target" : names.join(", "));
  return `catalog: it calls ${list(calls)}; it is called by ${list(callers)}`;
}

function rollbackTested(own: readonly CarriedOut[], command: string): Verdict {
  const rollbacks = own.filter(isRollback);
  const last = rollbacks.findLast(({ commit }) => commit.good !== undefined);
  if (last !== undefined) return done(`rolled back ${verifiedAt(last)}; docs/cutover-command.md`);
  const unverified = rollbacks.at(-1);
  return open(
    unverified === undefined
      ? `documented in docs/cutover-command.md, but none is in this stack's history: ${command}`
      : `rolled back at ${formatTime(unverified.commit.at)}, but no good tag says that it was verified`,
  );
}

function verifiedAt({ commit }: CarriedOut): string {
  return `at ${formatTime(commit.at)}, verified by ${commit.good ?? "no tag"}`;
}

function stagingPrepared(
  target: RoutedTargetName,
  text: string,
  place: TargetSituation | undefined,
  { environment, stack, staging, smoke }: ChecklistFacts,
): Verdict {
  if (environment !== "production") {
    if (smoke === undefined) return open(`no colour runs on stack ${stack}`);
    const what = smokeText(place, smoke);
    return smoke.passed ? done(`${what}, on stack ${stack}`) : open(what);
  }
  if (isUnreadable(staging)) return ask(target, text, staging.unreadable);
  const there = staging.state.targets.get(target);
  if (there === undefined || isUnreadable(there)) {
    return ask(target, text, `staging: ${there?.unreadable ?? "not told"}`);
  }
  const color = COLORS.find((each) => there.images[each] !== undefined);
  if (color === undefined) return open("staging's stack file has no image for it");
  const what = `${color} ${shortImage(there.images[color] ?? "")}, ${formatSplit(there.split)} in staging`;
  return staging.good === undefined
    ? open(`${what}, but no good tag says that it was verified`)
    : done(`${what}, verified by ${staging.good}`);
}

function imagesTested(
  target: RoutedTargetName,
  text: string,
  place: TargetSituation | undefined,
  { smoke }: ChecklistFacts,
): Verdict {
  if (smoke === undefined) return open("no colour runs");
  const what = smokeText(place, smoke);
  return smoke.passed
    ? ask(target, text, `${what}; the image's own tests aren't seen from here`)
    : open(what);
}

/** `blue 1.0.0 passes its smoke check (answers /)` */
function smokeText(place: TargetSituation | undefined, { color, detail }: SmokeResult): string {
  return `${color} ${shortImage(place?.images[color] ?? "")} ${detail}`;
}

function deployed(
  own: readonly CarriedOut[],
  place: TargetSituation | undefined,
  { environment, stack }: ChecklistFacts,
): Verdict {
  const where = whereItIs(place);
  if (!hasSwitched(place)) return open(where);
  if (place?.drift !== undefined) return open(`${where}; ${place.drift.kind}: ${place.drift.text}`);
  if (environment !== "production") return open(`${where}, on stack ${stack}, which is not production`);
  const last = own.findLast(({ changes }) => changes.some(({ kind }) => kind === "traffic"));
  return last?.commit.good === undefined
    ? open(`${where}, but no good tag says that it was verified`)
    : done(`${where}, verified by ${last.commit.good}`);
}

function healthyFor(
  target: RoutedTargetName,
  place: TargetSituation | undefined,
  { health, situation }: ChecklistFacts,
): Verdict {
  const where = whereItIs(place);
  const now = health.get(target);
  if (!hasSwitched(place)) return open(where);
  if (now?.state === "red") return open(`${where}; now: ${now.text}`);
  const hours = place?.since === undefined ? 0 : (situation.at.getTime() - place.since.getTime()) / 3_600_000;
  const text = `${where}; now: ${now?.text ?? "not asked"}`;
  if (hours < 24) return open(`${text}; for ${Math.floor(hours)} h`);
  return ask(target, healthCriterion, `${text}; the time between: ${noEvidence}`);
}

/** By the newest update that brought an image of this target, and was this target's alone. */
function deploysWithin(
  limit: number,
  target: RoutedTargetName,
  { transitions, stack }: ChecklistFacts,
): Verdict {
  const counts = new Map<string, number>();
  for (const { commit } of transitions) counts.set(commit.id, (counts.get(commit.id) ?? 0) + 1);
  const found = transitions
    .filter(({ target: moved, commit }) => moved === target && counts.get(commit.id) === 1)
    .filter(({ changes }) => changes.some((change) => change.kind === "image" && change.to !== undefined))
    .flatMap(({ commit, updates }) => {
      const seconds = updates.find(({ result }) => result === "succeeded")?.seconds;
      return seconds === undefined ? [] : [{ commit, seconds }];
    });
  const last = found.at(-1);
  if (last === undefined) return open(`no update that brought its image alone is known on stack ${stack}`);
  const text = `the update that brought its image took ${secondsText(last.seconds)} on stack ${stack} (${last.commit.id.slice(0, 9)})`;
  return last.seconds < limit ? done(text) : open(text);
}

function extractedAndChecked(place: TargetSituation | undefined, { smoke }: ChecklistFacts): Verdict {
  const where = whereItIs(place);
  const text = smoke === undefined ? where : `${where}; ${smoke.color}: ${smoke.detail}`;
  const full = place?.split && holder(place.split);
  return place?.stage === "extracted" && smoke?.passed === true && full === smoke.color
    ? done(text)
    : open(text);
}

function infrastructureJudge({ situation, environment, stack, transitions, staging }: ChecklistFacts): Judge {
  const { owner } = situation.infrastructure;
  const own = transitions.filter((each) => each.target === "infrastructure");
  const changed = (to: Owner): CarriedOut | undefined =>
    own.findLast(({ changes }) => changes.some((change) => change.kind === "owner" && change.to === to));
  const where = `owner: ${owner} on stack ${stack}`;
  return (text) => {
    switch (text) {
      case "Rollback procedure documented and tested": {
        const back = changed("terraform");
        return back?.commit.good === undefined
          ? open("it was never let go of, and verified, on this stack: owner: terraform in the file")
          : done(`let go of ${verifiedAt(back)}`);
      }
      case "Staging environment prepared": {
        if (environment !== "production") return owner === "pulumi" ? done(where) : open(where);
        if (isUnreadable(staging)) return ask("infrastructure", text, staging.unreadable);
        return staging.state.owner === "pulumi" && staging.good !== undefined
          ? done(`owner: pulumi in staging, verified by ${staging.good}`)
          : open("staging's stack file doesn't say owner: pulumi, verified by a good tag");
      }
      case "Production deployment successful": {
        const adopted = changed("pulumi");
        if (owner !== "pulumi") return open(where);
        if (environment !== "production") return open(`${where}, which is not production`);
        return adopted?.commit.good === undefined
          ? open(`${where}, but no good tag says that it was verified`)
          : done(`adopted ${verifiedAt(adopted)}`);
      }
      case healthCriterion:
        return ask("infrastructure", text, noEvidence);
      default:
        return ask("infrastructure", text);
    }
  };
}

/** What concerns all targets: before any has moved, in this target's tier, and once all are extracted. */
function wholeMigration(target: TargetName, facts: ChecklistFacts): Section[] {
  const { targets, infrastructure, at } = facts.situation;
  const isUntouched = targets.every(
    ({ split, stage }) => split === undefined || stage === "legacy" || stage === "staged",
  );
  const isOver = targets.every(({ stage }) => stage === "extracted") && infrastructure.owner === "pulumi";
  const { tier } = catalogEntry(target);
  const before: Section = {
    title: "Before any target moves",
    items: beforeAny.map(([text, who]): Item => ({ text, state: "ask", who })),
  };
  const after: Section = {
    title: "Once all are extracted",
    items: afterAll.map((text): Item => {
      const newest = Math.max(...targets.map(({ since }) => since?.getTime() ?? at.getTime()));
      if (text !== afterAll[0]) return { text, state: "ask", who: "the product manager" };
      const days = Math.floor((at.getTime() - newest) / 86_400_000);
      const fact = `the last switch was ${days} days ago`;
      return days < 7
        ? { text, state: "open", fact }
        : { text, state: "ask", who: "the technical lead", fact: `${fact}; monitoring: ${noEvidence}` };
    }),
  };
  return [
    ...(isUntouched ? [before] : []),
    { title: `Tier ${tier} as a whole`, items: tierItems(tier, facts) },
    ...(isOver ? [after] : []),
  ];
}

function tierItems(tier: 1 | 2 | 3, facts: ChecklistFacts): Item[] {
  switch (tier) {
    case 1:
      return [{ text: "All services health checks green", ...tierHealth(facts) }];
    case 2:
      return [
        { text: "Integration testing across all services", state: "ask", who: "the technical lead" },
        {
          text: "Performance benchmarks established",
          state: "ask",
          who: "the technical lead",
          fact: noEvidence,
        },
      ];
    case 3:
      return [{ text: "Team training on new architecture", state: "ask", who: "the team lead" }];
  }
}

function tierHealth({ health, situation }: ChecklistFacts): Verdict {
  const found = [...health].map(([target, { state, text }]) => ({ target, state, text }));
  const say = (some: typeof found): string => some.map(({ target, text }) => `${target}: ${text}`).join("; ");
  const red = found.filter(({ state }) => state === "red");
  if (red.length > 0) return open(say(red));
  const unknown = found.filter(({ state }) => state === "unknown");
  if (unknown.length > 0) return { state: "ask", who: "the technical lead", fact: say(unknown) };
  return done(`${found.map(({ target }) => target).join(", ")} at ${formatTime(situation.at)}`);
}
