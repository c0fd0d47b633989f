import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { inspect, isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { type RoutedTargetName, catalogEntry, routedTargets } from "../../catalog";
import { readLiveRoutes } from "../../cluster/liveRoutes";
import { setTraffic } from "../../config/edit";
import type { StackConfig } from "../../config/parse";
import {
  ALL_LEGACY,
  COLORS,
  type LiveRoute,
  allOn,
  formatViolations,
  holder,
  isTowardsLegacy,
  splitsEqual,
} from "../../migration";
import { buildStack } from "../../stack/stack";
import { type Registered, record } from "../unit/support/recording";
import { start } from "../unit/migration/arbitraries";
import { type World, startWorld } from "../unit/support/world";
import type { Subject } from "../../migration";
import { outOfOrder } from "../support/outOfOrder";
import {
  type Attempt,
  type Manner,
  type Update,
  accepted,
  attempt,
  histories,
  hoursAfter,
  updatesOf,
} from "./history";

const stackFileName = "Pulumi.local.yaml";
const localStack = outOfOrder(fs.readFileSync(path.join(__dirname, "../..", stackFileName), "utf8"));

/** The live routes as the program reads them. */
type LiveRoutes = ReadonlyMap<RoutedTargetName, LiveRoute>;

/** What refuses the update of a revert that doesn't lead towards legacy. */
const refusing = [
  "one-in-flight",
  "no-edit-under-traffic",
  "standby-while-soaking",
  "retired-only-when-soaked",
];

/** What a route tells of how its split came to be: a revert is a transition of its own. */
const historyOfSplit = ["held-full", "previous-split", "since", "transition"];

describe("a rollback is the revert of a commit", () => {
  let repository: Repository;
  let cluster: Cluster;

  before(async () => {
    repository = new Repository();
    cluster = await Cluster.start();
  });

  after(async () => {
    repository.remove();
    await cluster.close();
  });

  it("brings back the file to the byte and every input but the route's history, and leaves nothing to do", async function () {
    this.timeout(300_000);
    const seen = new Tally();
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const updates = updatesOf(history, localStack);
        fc.pre(updates.length > 1);
        repository.commit(updates.map(({ text }) => text));
        const count = 1 + (history.revert.pick % (updates.length - 1));
        const suffix = updates.slice(-1 - count);
        const attempts = takeBack(repository, suffix, history.revert.manner);
        for (const each of attempts) assertRefusedByName(each, seen);

        const [goal] = suffix;
        const reverted = attempts.at(-1)?.update;
        if (goal === undefined || reverted === undefined) return;
        const graph = await cluster.graph(reverted);
        const between = [...suffix, ...attempts.flatMap(({ update }) => update ?? [])];
        assertSameButForHistory(await cluster.graph(goal), graph, between, seen);

        const routes = await cluster.routesOf(graph, reverted.config);
        assert.deepEqual(routes, reverted.left, "the routes don't read as they were written");
        const next = { config: reverted.config, met: routes, now: hoursAfter(reverted.now, 1) };
        assert.deepEqual(await cluster.graph(next), graph, "the next preview isn't empty");
      }),
      { numRuns: 60 },
    );
    seen.assertWorthIt();
  });

  it("leaves the queue, while traffic is shared, with the backend that last had all of it", async () => {
    const text = setTraffic(localStack, "automation", { legacy: 50, blue: 50, green: 0 });
    const half = updateOf(text, updateOf(localStack));
    const whole = updateOf(setTraffic(text, "automation", allOn("blue")), half);
    const reverted = updateOf(text, whole);
    const changed = [
      ...differences(byName(await cluster.graph(half)), byName(await cluster.graph(reverted))),
    ];
    assert.deepEqual(changed.sort(), [
      "automation-consumer-blue.inputs.spec.replicas",
      ...historyOfSplit.map((name) => annotation("automation", name)),
    ]);
  });

  it("is refused for two targets at once that went back one after the other, and not for one after the other", () => {
    const [one, two] = ["frontend", "docs"] as const;
    const forward = updateOf(setTraffic(localStack, one, allOn("blue")), updateOf(localStack));
    const both = updateOf(setTraffic(forward.text, two, allOn("blue")), forward);
    const oneBack = updateOf(setTraffic(both.text, one, ALL_LEGACY), both);
    const bothBack = updateOf(setTraffic(oneBack.text, two, ALL_LEGACY), oneBack);
    const { violations } = attempt(both.text, bothBack, hoursAfter(bothBack.now, 1));
    assert.deepEqual(
      violations.map(({ target, rule }) => `${target} ${rule}`),
      [`${one} one-in-flight`, `${two} one-in-flight`],
    );
    updateOf(both.text, updateOf(oneBack.text, bothBack));
  });
});

/** An hour after `last`, or on a new stack. */
function updateOf(text: string, last?: Update): Update {
  return accepted(attempt(text, last, last === undefined ? start : hoursAfter(last.now, 1)));
}

/** Reverts all commits of `suffix` but the first, whose file it checks to be back, and makes the updates. */
function takeBack(repository: Repository, suffix: readonly Update[], manner: Manner): Attempt[] {
  const [goal, ...undone] = suffix;
  let last = undone.at(-1);
  const attempts: Attempt[] = [];
  const updateTo = (text: string): void => {
    assert.ok(last);
    assert.equal(repository.read(), bytes(text));
    const made = attempt(text, last, hoursAfter(last.now, 1));
    attempts.push(made);
    last = made.update ?? last;
  };
  if (manner === "a commit and an update each") {
    for (const [index, { text }] of suffix.slice(0, -1).reverse().entries()) {
      // As many reverts lie on top of the commit as commits that they have taken back.
      repository.revert(`HEAD~${2 * index}`);
      updateTo(text);
    }
    return attempts;
  }
  assert.ok(goal);
  const newest = `HEAD~${undone.length}..HEAD`;
  if (manner === "in one commit") repository.revertInOne(newest);
  else repository.revert(newest);
  updateTo(goal.text);
  return attempts;
}

/** No target on its way towards legacy is refused, and every other one by a rule that is known to. */
function assertRefusedByName({ met, config, violations }: Attempt, seen: Tally): void {
  const movedBack: Subject[] = [...met].flatMap(([target, { split }]) =>
    isTowardsLegacy(split, config.targets[target].split) ? [target] : [],
  );
  for (const violation of violations) {
    const isNamed = refusing.includes(violation.rule) && !movedBack.includes(violation.target);
    assert.ok(isNamed, formatViolations([violation]));
    seen.count(`refused by ${violation.rule}`);
  }
  seen.count(violations.length > 0 ? "refused" : "carried out");
  if (movedBack.length > 0) seen.count(violations.length > 0 ? "held up towards legacy" : "towards legacy");
}

/** @param updates of which the first is `goal`'s and the last `reverted`'s */
function assertSameButForHistory(
  goal: readonly Registered[],
  reverted: readonly Registered[],
  updates: readonly Update[],
  seen: Tally,
): void {
  const found = [...differences(byName(goal), byName(reverted))];
  seen.count(found.length === 0 ? "equal" : "equal but for history");
  const allowed = routedTargets.flatMap((target) => mayDiffer(target, updates));
  assert.deepEqual(
    found.filter((each) => !allowed.includes(each)),
    [],
  );
}

/** The inputs of `target` that the last of `updates` needn't have in common with the first, which wanted the same. */
function mayDiffer(target: RoutedTargetName, updates: readonly Update[]): string[] {
  const wanted = updates.map(({ config }) => config.targets[target]);
  const [first] = updates;
  const [goal, ...later] = wanted;
  const standby = first?.left.get(target)?.heldFull;
  assert.ok(goal && standby);
  const moves = later.some(({ split }) => !splitsEqual(split, goal.split));
  const restages =
    standby !== "legacy" && later.some(({ images }) => images[standby] !== goal.images[standby]);
  const shares = holder(goal.split) === undefined;
  return [
    ...(moves ? historyOfSplit.map((name) => annotation(target, name)) : []),
    // A standby that was another release in between is no way back any more.
    ...(restages ? [annotation(target, "held-full")] : []),
    // While traffic is shared, the queue is consumed by the backend that last held all of it.
    ...((moves || restages) && shares && catalogEntry(target).workload.kind === "consumer"
      ? COLORS.map((color) => `${target}-consumer-${color}.inputs.spec.replicas`)
      : []),
  ];
}

function annotation(target: RoutedTargetName, name: string): string {
  return `${target}-traffic-route.inputs.metadata.annotations.pyairtable.dev/${name}`;
}

function byName(graph: readonly Registered[]): Readonly<Record<string, Registered>> {
  return Object.fromEntries(graph.map((resource) => [resource.name, withoutSince(resource)]));
}

/** The rules record since when the split holds; the route's annotation of that is compared, and is enough. */
function withoutSince(resource: Registered): Registered {
  const { data } = resource.inputs;
  if (!resource.name.endsWith("-monitoring-rules") || typeof data !== "object" || data === null) {
    return resource;
  }
  const texts = Object.entries(data).map(([file, text]) => [
    file,
    String(text).replace(/vector\(\d{10}\)/, "vector(since)"),
  ]);
  return { ...resource, inputs: { ...resource.inputs, data: Object.fromEntries(texts) } };
}

/** Where two values differ, as paths from `at`. */
function* differences(a: unknown, b: unknown, at: readonly string[] = []): Generator<string> {
  if (isDeepStrictEqual(a, b)) return;
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) {
    yield at.join(".");
    return;
  }
  const [inA, inB] = [
    new Map<string, unknown>(Object.entries(a)),
    new Map<string, unknown>(Object.entries(b)),
  ];
  for (const key of new Set([...inA.keys(), ...inB.keys()])) {
    yield* differences(inA.get(key), inB.get(key), [...at, key]);
  }
}

const leastSeen = { "towards legacy": 6, equal: 3, "equal but for history": 10 };

/** How often each thing was seen: a property over histories in which nothing happens would hold too. */
class Tally {
  private readonly counts = new Map<string, number>();

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  assertWorthIt(): void {
    for (const [what, least] of Object.entries(leastSeen)) {
      assert.ok(
        (this.counts.get(what) ?? 0) >= least,
        `expected ${least} or more times "${what}": ${inspect(this.counts)}`,
      );
    }
  }
}

/** A git repository with one stack file in a folder of its own. */
class Repository {
  private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "histories-"));
  private readonly file = path.join(this.folder, stackFileName);

  constructor() {
    this.git("init", "--quiet", "--initial-branch=main");
    this.git("config", "user.name", "test");
    this.git("config", "user.email", "test@localhost");
    // It would clean up now and then, and is thrown away.
    this.git("config", "gc.auto", "0");
  }

  /** Makes a new history of `texts`, a commit each, and checks out the last. One process, for it is done 200 times. */
  commit(texts: readonly string[]): void {
    const commits = texts.map((text) =>
      [
        "commit refs/heads/main",
        "committer test <test@localhost> 0 +0000",
        data("change"),
        `M 100644 inline ${stackFileName}`,
        data(text),
      ].join("\n"),
    );
    this.gitWith(`${commits.join("\n")}\n`, "fast-import", "--quiet", "--force");
    this.git("reset", "--hard", "--quiet");
  }

  /** Commits the revert of each commit in `range`. */
  revert(range: string): void {
    this.git("revert", "--no-edit", range);
  }

  /** Commits the revert of all commits in `range` at once. */
  revertInOne(range: string): void {
    this.git("revert", "--no-commit", range);
    this.git("commit", "--quiet", "--allow-empty", "--message=revert");
  }

  read(): string {
    return bytes(fs.readFileSync(this.file));
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true });
  }

  private git(...args: readonly string[]): void {
    this.gitWith("", ...args);
  }

  private gitWith(input: string, ...args: readonly string[]): void {
    execFileSync("git", args, { cwd: this.folder, env: gitEnvironment, input, stdio: "pipe" });
  }
}

/** A character for each byte, so that a difference of one byte is one and can be read. */
function bytes(content: Buffer | string): string {
  return Buffer.from(content).toString("latin1");
}

/** Text as fast-import takes it: its length in bytes first. */
function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}`;
}

/** Neither the user's config nor the repository of a hook that runs the tests. */
const gitEnvironment = {
  PATH: process.env["PATH"],
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
};

/** The mock engine, and an API server that lists the routes which a graph asks for. */
class Cluster {
  private constructor(
    private readonly world: World,
    private readonly routes: unknown[],
  ) {}

  static async start(): Promise<Cluster> {
    const routes: unknown[] = [];
    const world = await startWorld(({ path: asked }) =>
      asked.endsWith("/httproutes") ? { body: { items: routes } } : undefined,
    );
    return new Cluster(world, routes);
  }

  close(): Promise<void> {
    return this.world.close();
  }

  /** The live routes once all that `graph` asks for is there, as the program reads them. */
  routesOf(graph: readonly Registered[], { platform }: StackConfig): Promise<LiveRoutes> {
    const routes = graph.filter(({ inputs }) => inputs["kind"] === "HTTPRoute");
    this.routes.splice(0, this.routes.length, ...routes.map(({ inputs }) => inputs));
    return readLiveRoutes(this.world.api, platform.namespace);
  }

  /** What an update asks the engine for, sorted by name. Made in a preview, which waits for nothing. */
  async graph({ config, now, met }: PreviewInputs): Promise<readonly Registered[]> {
    const { api } = this.world;
    const build = (): void =>
      void buildStack({
        config,
        live: met,
        completed: new Map(),
        api,
        now,
        evidence: undefined,
        leftAlone: new Set(),
        steps: new Map(),
        keptSteps: new Map(),
        cloud: {},
        backupScript: "",
      });
    const { resources, failures } = await withoutStackTraces(() => record(build, { dryRun: true }));
    assert.deepEqual(failures, []);
    // Dependencies are no inputs: they tell in which order this one update goes.
    return resources
      .map((resource) => ({ ...resource, dependencies: [] }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

interface PreviewInputs extends Pick<Update, "config" | "now"> {
  readonly met: LiveRoutes;
}

/** The SDK writes one for every promise and resource, through ts-node's source maps: most of the time that a graph takes. */
async function withoutStackTraces<T>(use: () => Promise<T>): Promise<T> {
  const before = Object.getOwnPropertyDescriptors(Error);
  Object.assign(Error, { stackTraceLimit: 0, prepareStackTrace: () => "" });
  try {
    return await use();
  } finally {
    Object.defineProperties(Error, before);
  }
}
