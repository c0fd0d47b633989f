import fc from "fast-check";
import { type RoutedTargetName, routedTargets } from "../../catalog";
import { editStackFile, removeFromStackFile, setTraffic } from "../../config/edit";
import { judged } from "../../config/judged";
import type { StackConfig, TargetConfig } from "../../config/parse";
import { parseStackFile } from "../../config/stackFile";
import {
  BACKENDS,
  COLORS,
  type Backend,
  type Color,
  type RouteRecord,
  type Split,
  type Violation,
  allOn,
  formatViolations,
  judge,
  nextRecord,
} from "../../migration";
import { parseOutputs } from "../../stack/outputs";
import { splits, start } from "../unit/migration/arbitraries";

/** A change that somebody may think of, before it is known what it can be in the file as it is then. */
type Draft = { readonly pick: number; readonly hours: number } & (
  | { readonly kind: "stage"; readonly color: Color; readonly version: number }
  | { readonly kind: "traffic"; readonly split: Split }
  | { readonly kind: "capacity"; readonly capacity: number }
  /** The next step to the end of legacy: all traffic on a color, then `legacy: retired`. */
  | { readonly kind: "retire" }
  | { readonly kind: "remove"; readonly color: Color }
);

/** How the newest commits are taken back. */
export type Manner = "in one commit" | "a commit each" | "a commit and an update each";

export interface History {
  readonly layout: Layout;
  /** The targets that its commits are about. Of the others no color runs. */
  readonly inPlay: readonly RoutedTargetName[];
  readonly drafts: readonly Draft[];
  readonly revert: {
    /** How many of the newest commits, counted round and round. */
    readonly pick: number;
    readonly manner: Manner;
  };
}

/** How the stack file is written; it means the same in every layout. */
interface Layout {
  /** For each target, in the file's order. */
  readonly traffic: readonly string[];
  readonly comments: boolean;
  readonly quotes: boolean;
  readonly windows: boolean;
  readonly lastLineBreak: boolean;
}

/** The most legal ones; what the rules refuse isn't committed and doesn't count. */
const mostCommits = 8;
const mostDrafts = 11;
const mostInPlay = 3;

const layouts: fc.Arbitrary<Layout> = fc.record({
  traffic: fc.array(
    fc.constantFrom(
      "    traffic: {legacy: 100, blue: 0, green: 0}",
      "    traffic: { legacy: 100,  blue: 0, green: 0 }   # as of Monday",
      "    traffic: # percent\n      green: 0\n\n      # the monorepo\n      legacy: 100   # all of it\n      blue: 0",
    ),
    { minLength: routedTargets.length, maxLength: routedTargets.length },
  ),
  comments: fc.boolean(),
  quotes: fc.boolean(),
  windows: fc.boolean(),
  lastLineBreak: fc.boolean(),
});

const common = {
  pick: fc.nat({ max: mostInPlay - 1 }),
  hours: fc.integer({ min: 1, max: 72 }),
};
const color = fc.constantFrom(...COLORS);

const drafts: fc.Arbitrary<Draft> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ ...common, kind: fc.constant("traffic"), split: splits }) },
  {
    weight: 3,
    arbitrary: fc.record({ ...common, kind: fc.constant("stage"), color, version: fc.nat({ max: 2 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      ...common,
      kind: fc.constant("capacity"),
      capacity: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ ...common, kind: fc.constant("retire") }) },
  { weight: 2, arbitrary: fc.record({ ...common, kind: fc.constant("remove"), color }) },
);

/** A file, what is done to it, and a suffix to take back. Without a bias to small ones: the rules meet in long ones. */
export const histories: fc.Arbitrary<History> = fc.noBias(
  fc.record({
    layout: layouts,
    inPlay: fc.subarray([...routedTargets], { minLength: 1, maxLength: mostInPlay }),
    drafts: fc.array(drafts, { minLength: 1, maxLength: mostDrafts, size: "max" }),
    revert: fc.record({
      pick: fc.nat({ max: mostCommits - 1 }),
      manner: fc.constantFrom<Manner>("in one commit", "a commit each", "a commit and an update each"),
    }),
  }),
);

type Routes = ReadonlyMap<RoutedTargetName, RouteRecord>;

/** An update that the rules have accepted. */
export interface Update {
  readonly text: string;
  readonly config: StackConfig;
  readonly now: Date;
  /** The live routes before it. */
  readonly met: Routes;
  /** The live routes after it. */
  readonly left: Routes;
}

/** An update as it was asked for, and what came of it. */
export interface Attempt {
  readonly met: Routes;
  readonly config: StackConfig;
  readonly violations: readonly Violation[];
  /** Absent if the rules refuse it. */
  readonly update?: Update;
}

/**
 * The update of the stack as `last` has left it to what `text` asks for.
 * @param last absent on a new stack
 */
export function attempt(text: string, last: Update | undefined, now: Date): Attempt {
  const config = parseStackFile(text);
  const met: Routes = last?.left ?? new Map();
  const applied = {
    ...parseOutputs({}),
    splits: new Map([...met].map(([target, { split }]) => [target, split] as const)),
  };
  const violations = judge(
    judged(config, applied, { live: met, staging: undefined, evidence: undefined, now }),
  );
  if (violations.length > 0) return { met, config, violations };
  const left = new Map(
    routedTargets.map((target) => [target, nextRecord(target, met.get(target), config.targets[target], now)]),
  );
  return { met, config, violations, update: { text, config, now, met, left } };
}

/** The update of the file that `history` starts from, and the one of each of its commits. */
export function updatesOf(history: History, localStack: string): readonly Update[] {
  const first = accepted(attempt(firstText(localStack, history), undefined, start));
  return history.drafts.reduce<readonly Update[]>(
    (updates, draft) => {
      const last = updates.at(-1) ?? first;
      if (updates.length > mostCommits) return updates;
      const text = withDraft(last.text, last.config, history, draft);
      if (text === last.text) return updates;
      const { update } = attempt(text, last, hoursAfter(last.now, draft.hours));
      return update === undefined ? updates : [...updates, update];
    },
    [first],
  );
}

export function accepted({ update, violations }: Attempt): Update {
  if (update === undefined) throw new Error(formatViolations(violations));
  return update;
}

export function hoursAfter(time: Date, hours: number): Date {
  return new Date(time.getTime() + hours * 3_600_000);
}

/** The local stack's file as `history` starts: in its layout, and with nothing staged but what is in play. */
function firstText(localStack: string, { layout, inPlay }: History): string {
  const bare = routedTargets
    .filter((target) => !inPlay.includes(target))
    .reduce(
      (text, target) => text.replace(`    blue: localhost/pyairtable-${target}:1.0.0\n`, ""),
      localStack,
    );
  // No other target has one, and its hash is made slow.
  return laidOut(
    inPlay.includes("auth-service") ? bare : bare.replace(/^ {4}signingKey:\n.*\n/m, ""),
    layout,
  );
}

function laidOut(text: string, { traffic, comments, quotes, windows, lastLineBreak }: Layout): string {
  const layoutsInOrder = traffic.values();
  let written = text.replace(/^ {4}traffic: .*$/gm, (line) => layoutsInOrder.next().value ?? line);
  if (comments) {
    written = written
      .replace(/^ {2}pyairtable:/gm, "\n  # whose: the platform team's\n$&")
      .replace(/^ {4}capacity: (\d+)$/gm, "    capacity:   $1   # replicas");
  }
  if (quotes) written = written.replace(/^ {4}blue: (.*)$/gm, "    \"blue\":  '$1' # a release");
  if (!lastLineBreak) written = written.trimEnd();
  return windows ? written.replaceAll("\n", "\r\n") : written;
}

/** `text` with what `draft` comes to in it; unchanged where that is nothing. The rules aren't asked. */
function withDraft(text: string, config: StackConfig, { inPlay }: History, draft: Draft): string {
  const target = inPlay[draft.pick % inPlay.length];
  if (target === undefined) throw new Error("no target in play");
  const entry = ["config", `pyairtable:${target}`];
  const wanted = config.targets[target];
  switch (draft.kind) {
    case "traffic":
      return setTraffic(text, target, amongRunning(wanted, draft.split));
    case "stage": {
      const image = `localhost/pyairtable-${target}:1.0.${draft.version}`;
      const staged = inTurn(draft.color).find((each) => wanted.split[each] === 0) ?? draft.color;
      return editStackFile(text, [...entry, staged], image);
    }
    case "capacity":
      return editStackFile(text, [...entry, "capacity"], draft.capacity);
    case "retire": {
      const runs = COLORS.find((each) => wanted.images[each] !== undefined);
      if (wanted.split.legacy === 0) return editStackFile(text, [...entry, "legacy"], "retired");
      return runs === undefined ? text : setTraffic(text, target, allOn(runs));
    }
    case "remove": {
      const idle = inTurn(draft.color).find(
        (each) => wanted.split[each] === 0 && wanted.images[each] !== undefined,
      );
      return idle === undefined ? text : removeFromStackFile(text, [...entry, idle]);
    }
  }
}

/** `split`, with the share of what doesn't run given to what does. */
function amongRunning({ images, legacy }: TargetConfig, split: Split): Split {
  const runs = (backend: Backend): boolean =>
    backend === "legacy" ? legacy === "standby" : images[backend] !== undefined;
  const heir = BACKENDS.find(runs) ?? "legacy";
  const among = { legacy: 0, blue: 0, green: 0 };
  for (const backend of BACKENDS) among[runs(backend) ? backend : heir] += split[backend];
  return among;
}

function inTurn(first: Color): readonly Color[] {
  return first === "blue" ? COLORS : [...COLORS].reverse();
}
