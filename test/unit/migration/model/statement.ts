import type { RoutedTargetName } from "../../../../catalog";
import type { RouteRecord, WantedTarget } from "../../../../migration";

/*
 * The rules once more, written down from the design and not from the code: whether a whole plan is legal. It shares
 * nothing with migration/rules but the words.
 */

export interface Step {
  readonly target: RoutedTargetName;
  readonly before: RouteRecord;
  /** The live split has held for the whole soak. */
  readonly held: boolean;
  readonly wanted: WantedTarget;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** Who owns the shared resources, before and as wanted. */
  readonly owner: readonly [before: "terraform" | "pulumi", wanted: "terraform" | "pulumi"];
  /** `target digest` for each that staging has completed; undefined where that isn't asked. */
  readonly completed: ReadonlySet<string> | undefined;
  /** The targets of which all that is measured is within the plan; undefined where that isn't asked. */
  readonly proven: ReadonlySet<string> | undefined;
  /** `target image` for each change that is allowed; undefined where the freeze is over. */
  readonly allowedChanges: ReadonlySet<string> | undefined;
}

/** Tier and priority, as the plan's matrix has them. */
const ranks: Readonly<Record<RoutedTargetName | "infrastructure", number>> = {
  frontend: 10,
  "api-gateway": 10,
  "auth-service": 10,
  "llm-orchestrator": 11,
  "mcp-server": 22,
  "airtable-gateway": 22,
  automation: 23,
  infrastructure: 34,
  docs: 36,
};

const calls: Readonly<Partial<Record<RoutedTargetName, readonly RoutedTargetName[]>>> = {
  frontend: ["api-gateway"],
  "api-gateway": ["auth-service", "llm-orchestrator", "mcp-server", "airtable-gateway", "automation"],
  "llm-orchestrator": ["mcp-server"],
  "mcp-server": ["airtable-gateway"],
  automation: ["airtable-gateway"],
};

export function isLegal(plan: Plan): boolean {
  return plan.steps.every((step) => goesBack(step) || isLegalStep(step, plan)) && isLegalAdoption(plan);
}

/** Legacy gains and no colour does; or, once legacy is retired, only the colour gains that a rollback leads to. */
export function goesBack({ before, wanted }: Step): boolean {
  const gains = gaining(before, wanted);
  if (gains === undefined || gains === "legacy") return gains === "legacy";
  if (before.legacy !== "retired" || gains !== before.heldFull) return false;
  return isSame(before, wanted, gains);
}

function isLegalStep(step: Step, plan: Plan): boolean {
  const others = plan.steps.filter((other) => other !== step);
  return (
    keepsReleasesUnderTraffic(step) &&
    keepsStandby(step) &&
    retiresInTime(step, others) &&
    (!goesForward(step) ||
      (!others.some((other) => blocks(other, step)) &&
        (!isOnLegacy(step.before) || comesInTurn(ranks[step.target], others, plan)))) &&
    isCompleted(step, plan.completed) &&
    isProven(step, plan.proven) &&
    isAllowedChange(step, plan.allowedChanges)
  );
}

function isLegalAdoption({ owner: [before, wanted], steps }: Plan): boolean {
  if (wanted !== "pulumi" || before === "pulumi") return true;
  return (
    steps.every((step) => !fliesAfter(step) && !goesForward(step)) &&
    steps.every((step) => ranks[step.target] > ranks.infrastructure || isThrough(step))
  );
}

/** Everything that the plan puts before that rank is soaked or extracted. */
function comesInTurn(rank: number, others: readonly Step[], { owner: [, owner] }: Plan): boolean {
  if (ranks.infrastructure < rank && owner !== "pulumi") return false;
  return others.every((other) => ranks[other.target] >= rank || isThrough(other));
}

/** One in flight at a time; but whoever is on its way isn't held up by another's rollback half-way. */
function blocks(other: Step, step: Step): boolean {
  if (goesForward(other)) return true;
  return fliesAfter(other) && (!fliesBefore(step) || fliesBefore(other));
}

function goesForward(step: Step): boolean {
  return movesTraffic(step) && step.wanted.legacy === "standby" && !goesBack(step);
}

function fliesBefore({ before, held }: Step): boolean {
  return before.legacy === "standby" && !isOnLegacy(before) && !(isFull(before) && held);
}

function fliesAfter(step: Step): boolean {
  const { wanted } = step;
  return wanted.legacy === "standby" && !isOnLegacy(wanted) && !(isFull(wanted) && heldAfter(step));
}

function isThrough(step: Step): boolean {
  return step.wanted.legacy === "retired" || (isFull(step.wanted) && heldAfter(step));
}

function heldAfter(step: Step): boolean {
  return step.held && !movesTraffic(step);
}

function keepsReleasesUnderTraffic({ before, wanted }: Step): boolean {
  return (["blue", "green"] as const).every(
    (color) =>
      before.split[color] === 0 || wanted.images[color] === undefined || isSame(before, wanted, color),
  );
}

/** Image, settings and secrets are what they were, as far as both sides say. */
function isSame(before: RouteRecord, wanted: WantedTarget, color: "blue" | "green"): boolean {
  if (before.images[color] !== wanted.images[color]) return false;
  const [was, is] = [before.contents?.[color], wanted.contents?.[color]];
  return !was || !is || (was.settings === is.settings && was.secrets === is.secrets);
}

/** While traffic moves, or a color has had 100 % for less than the soak, the way back to the other one stays. */
function keepsStandby(step: Step): boolean {
  const { before, wanted } = step;
  const moves = movesTraffic(step);
  const standby = moves ? (fullOf(before) ?? before.heldFull) : before.heldFull;
  if (standby === "legacy" || before.images[standby] === undefined) return true;
  const isOver = !moves && (isFull(wanted) ? step.held : wanted.legacy === "standby");
  return isOver || isOnLegacy(wanted) || isSame(before, wanted, standby);
}

function retiresInTime({ target, before, held, wanted }: Step, others: readonly Step[]): boolean {
  if (before.legacy === "retired" || wanted.legacy === "standby") return true;
  const callers = others.filter((other) => calls[other.target]?.includes(target));
  return isFull(before) && held && callers.every((caller) => caller.wanted.legacy === "retired");
}

function isCompleted({ target, before, wanted }: Step, completed: Plan["completed"]): boolean {
  return (["blue", "green"] as const).every(
    (color) =>
      completed === undefined ||
      wanted.split[color] <= before.split[color] ||
      completed.has(`${target} ${wanted.images[color] ?? ""}`),
  );
}

/** Whoever has some gets no more without proof, and without it the way back to legacy stays. */
function isProven({ target, before, wanted }: Step, proven: Plan["proven"]): boolean {
  if (proven === undefined || proven.has(target)) return true;
  const retires = before.legacy === "standby" && wanted.legacy === "retired";
  const grows = (["blue", "green"] as const).some(
    (color) => before.split[color] > 0 && wanted.split[color] > before.split[color],
  );
  return !retires && !grows;
}

function isAllowedChange({ target, before, wanted }: Step, allowed: Plan["allowedChanges"]): boolean {
  if (allowed === undefined || before.legacy === "standby") return true;
  const running = [before.images.blue, before.images.green];
  return (["blue", "green"] as const).every((color) => {
    const image = wanted.images[color];
    return image === undefined || running.includes(image) || allowed.has(`${target} ${image}`);
  });
}

/** The only backend that gains. */
function gaining(before: RouteRecord, wanted: WantedTarget): "legacy" | "blue" | "green" | undefined {
  const [first, ...others] = (["legacy", "blue", "green"] as const).filter(
    (backend) => wanted.split[backend] > before.split[backend],
  );
  return others.length === 0 ? first : undefined;
}

function movesTraffic({ before, wanted }: Step): boolean {
  return (["legacy", "blue", "green"] as const).some(
    (backend) => wanted.split[backend] !== before.split[backend],
  );
}

type Traffic = Pick<WantedTarget, "split">;

function isOnLegacy({ split }: Traffic): boolean {
  return split.legacy === 100;
}

/** All traffic on one color. */
function isFull({ split }: Traffic): boolean {
  return split.blue === 100 || split.green === 100;
}

function fullOf({ split }: Traffic): "legacy" | "blue" | "green" | undefined {
  return (["legacy", "blue", "green"] as const).find((backend) => split[backend] === 100);
}
