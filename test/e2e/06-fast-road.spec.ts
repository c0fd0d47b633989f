import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { RoutedTargetName } from "../../catalog";
import { setTraffic } from "../../config/edit";
import { readUpdateLock } from "../../cutover/updateLock";
import { localEnvironment, projectName, stackName } from "../../local/environment";
import { type Shot, receivedAt } from "../../local/load/shot";
import { lastAnswerAfter } from "../../local/load/statistics";
import type { LocalStack, PulumiResult } from "../../local/localStack";
import { adminKubeconfig, pulumiStateDir } from "../../local/paths";
import { kubectl } from "../../local/platform/cluster";
import { ALL_LEGACY, type Backend, formatSplit, splitHash } from "../../migration";
import { type ApiProxy, type ApiRequest, type Verdict, startApiProxy } from "../support/apiProxy";
import { withConsumersWatched } from "./consumerWatch";
import { type CutoverResult, cutover, rollbackSaid } from "./cutoverCommand";
import { underLoad } from "./load";
import { commitSplit, split, stackOnLegacy, succeeded, tools } from "./world";

const onBlue = split("blue 100");
/** How long the backend that was left may still answer after the command, in ms: many times what a quiet machine needs. */
const backWithin = 3000;

const ratePerSecond = 80;

describe("the fast road back, under load", () => {
  let stack: LocalStack;
  let trash: string;

  before(async () => {
    stack = await stackOnLegacy("fast-road");
    await stack.git("config", "user.name", "on call");
    await stack.git("config", "user.email", "on-call@localhost");
    trash = fs.mkdtempSync(path.join(os.tmpdir(), "fast-road-"));
  });

  after(() => {
    fs.rmSync(trash, { recursive: true, force: true });
  });

  /** Commits, and updates. */
  async function moveToBlue(target: RoutedTargetName): Promise<void> {
    await commitSplit(stack, target, onBlue);
    succeeded(await stack.up());
  }

  const rollback = (target: string, ...args: readonly string[]): Promise<CutoverResult> =>
    cutover(stack, ["rollback", target, ...args]);

  const commits = async (): Promise<number> => Number(await stack.git("rev-list", "--count", "HEAD"));
  const committed = (): Promise<string> => stack.git("show", "HEAD:./Pulumi.local.yaml");
  const gitStatus = (): Promise<string> => stack.git("status", "--porcelain");

  /** File, git, state and cluster all say that a target is on legacy, and only the platform owns its route. */
  async function assertAgreed(target: RoutedTargetName): Promise<void> {
    assert.equal(await gitStatus(), "");
    assert.equal(stack.readStackFile(), setTraffic(stack.readStackFile(), target, ALL_LEGACY));
    assert.equal(appliedSplit(target), formatSplit(ALL_LEGACY));
    const route = await readRoute(target);
    assert.equal(route.split, formatSplit(ALL_LEGACY));
    assert.deepEqual(route.appliedBy, ["pyairtable-platform"]);
  }

  it("brings traffic back, records it, and has nothing to do a second time", async () => {
    const target = "frontend";
    let answer: CutoverResult | undefined;
    const shots = await underLoad(target, 300, async ({ duringLongRequests }) => {
      await moveToBlue(target);
      const before = await commits();
      answer = await duringLongRequests(() => rollback(target));
      assert.equal(answer.code, 0, answer.stderr);
      assert.equal(await commits(), before + 1);
    });
    assert.ok(answer);
    assertBack(target, shots, answer);
    assert.equal(answer.stdout, "frontend is back at legacy 100: route, git and state agree.\n");
    for (const step of [
      /route written/,
      /traffic is back/,
      /committed/,
      /updated in/,
      /verified/,
      /tagged good/,
    ]) {
      assert.match(answer.stderr, step);
    }
    assert.equal(await stack.git("show", "--format=%s", "--name-only", "HEAD"), rollbackCommit(target));
    assert.match(
      await stack.git("tag", "--points-at", "HEAD"),
      /^good\/local\/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\n$/,
    );
    await assertAgreed(target);
    succeeded(await stack.preview());

    const [head, version] = [await stack.git("rev-parse", "HEAD"), (await readRoute(target)).version];
    const again = await rollback(target, "--json");
    assert.equal(again.code, 0, again.stdout);
    const { routeWrittenAt, recorded, problems } = rollbackSaid(again);
    assert.deepEqual([routeWrittenAt, recorded, problems], [null, true, []]);
    assert.equal(await stack.git("rev-parse", "HEAD"), head);
    assert.equal((await readRoute(target)).version, version);
  });

  it("wins over an update that writes the route while it records", async () => {
    const target = "api-gateway";
    const gate = new Gate(isRouteWrite);
    const proxy = await proxied((request) => gate.judge(request));
    let answer: CutoverResult | undefined;
    let other: PulumiResult | undefined;
    try {
      const shots = await underLoad(target, ratePerSecond, async () => {
        await commitSplit(stack, target, onBlue);
        const update = stack.up({ environment: { KUBECONFIG: proxy.kubeconfigFile } });
        await gate.reached;
        answer = await rollback(target, "--json");
        other = await update;
      });
      assert.ok(answer && other);
      assert.equal(answer.code, 0, answer.stdout);
      assert.deepEqual(rollbackSaid(answer).problems, []);
      const blue = shots.filter(({ backend }) => backend === "blue").map(receivedAt);
      assert.ok(blue.length > 0, "the update never wrote the route");
      const wrongFor = Math.max(...blue) - Math.min(...blue);
      assert.ok(wrongFor < 1500, `${wrongFor} ms on blue after the overwrite`);
      assertBack(target, shots, answer, Infinity);
    } finally {
      await proxy.close();
    }
    await assertAgreed(target);
    succeeded(await stack.preview());
  });

  it("takes the lock of a killed update", async () => {
    const target = "api-gateway";
    const gate = new Gate(isRouteWrite);
    const proxy = await proxied((request) => gate.judge(request));
    let answer: CutoverResult | undefined;
    try {
      const shots = await underLoad(target, ratePerSecond, async () => {
        await commitSplit(stack, target, onBlue);
        const update = stack.up({ environment: { KUBECONFIG: proxy.kubeconfigFile } });
        await gate.reached;
        const owner = lockOwner();
        // The provider writes the route; the engine, which would be done in a moment, doesn't get to hear of it.
        process.kill(owner, "SIGSTOP");
        await routeIs(target, onBlue);
        process.kill(owner, "SIGKILL");
        await update;
        answer = await rollback(target);
      });
      assert.ok(answer);
      assert.equal(answer.code, 0, answer.stderr);
      assert.match(
        answer.stderr,
        /broke the lock of a dead update: \S+@\S+, process \d+, since \S+Z, which no longer runs/,
      );
      assertBack(target, shots, answer);
    } finally {
      await proxy.close();
    }
    await assertAgreed(target);
  });

  it("takes the weights from whoever owns them", async () => {
    const target = "mcp-server";
    const rogues = [editWeights, applyWeights];
    const answers: CutoverResult[] = [];
    const shots = await underLoad(target, ratePerSecond, async () => {
      for (const rogue of rogues) {
        await rogue(target, { legacy: 0, blue: 100 });
        await sleep(300);
        const answer = await rollback(target, "--json");
        assert.equal(answer.code, 0, answer.stdout);
        assert.match(rollbackSaid(answer).from, /changed by hand/);
        answers.push(answer);
      }
    });
    assert.ok(shots.some(({ backend }) => backend === "blue"));
    for (const [index, answer] of answers.entries()) {
      const next = answers[index + 1]?.startedAt ?? Infinity;
      const own = shots.filter((shot) => receivedAt(shot) < next - 1500);
      assertBack(target, own, answer);
    }
    assert.deepEqual((await readRoute(target)).rulesOwnedBy, ["pyairtable-platform"]);
    await letGo(target);
    await assertAgreed(target);
  });

  const troubles: readonly (readonly [
    name: string,
    within: number,
    judge: () => (request: ApiRequest) => Verdict,
  ])[] = [
    ["answers slowly", 12_000, () => slowFor(10_000)],
    ["drops a connection", backWithin, () => firstOf(isRouteWrite, "drop")],
  ];
  for (const [name, within, judge] of troubles) {
    it(`gets through to an API server that ${name}`, async () => {
      const target = "mcp-server";
      const proxy = await proxied(judge());
      let answer: CutoverResult | undefined;
      try {
        const shots = await underLoad(target, ratePerSecond, async () => {
          await editWeights(target, { legacy: 0, blue: 100 });
          await sleep(300);
          answer = await cutover(stack, ["rollback", target], { KUBECONFIG: proxy.kubeconfigFile });
        });
        assert.ok(answer);
        assert.equal(answer.code, 0, answer.stderr);
        assertBack(target, shots, answer, within);
      } finally {
        await proxy.close();
      }
      await assertAgreed(target);
    });
  }

  it("moves traffic when git refuses the commit, says so, and is done after a commit by hand", async () => {
    const target = "auth-service";
    const hook = path.join(stack.repository, ".git", "hooks", "pre-commit");
    const indexLock = path.join(stack.repository, ".git", "index.lock");
    await underLoad(target, ratePerSecond, async ({ shots }) => {
      await moveToBlue(target);
      fs.mkdirSync(path.dirname(hook), { recursive: true });
      fs.writeFileSync(hook, "#!/bin/sh\necho no commits at night >&2\nexit 1\n", { mode: 0o755 });
      const refused = await rollback(target, "--json");
      fs.rmSync(hook);
      await assertUnrecorded(target, shots, refused, /no commits at night/);

      await stack.git("checkout", "--quiet", "--", ".");
      await editWeights(target, { legacy: 0, blue: 100 });
      fs.writeFileSync(indexLock, "");
      const locked = await rollback(target, "--json");
      fs.rmSync(indexLock);
      await assertUnrecorded(target, shots, locked, /another git is at work in .*index\.lock/s);
    });
    await stack.git("commit", "--quiet", "--all", "--message", "by hand");
    const before = await commits();
    const finished = await rollback(target);
    assert.equal(finished.code, 0, finished.stderr);
    assert.equal(await commits(), before);
    await assertAgreed(target);
  });

  async function assertUnrecorded(
    target: RoutedTargetName,
    shots: readonly Shot[],
    answer: CutoverResult,
    problem: RegExp,
  ): Promise<void> {
    assert.equal(answer.code, 4, answer.stdout);
    assertBack(target, shots, answer);
    const { recorded, problems } = rollbackSaid(answer);
    assert.equal(recorded, false);
    assert.match(problems.join("\n"), problem);
    assert.match(problems.join("\n"), /not committed: commit it by hand/);
    assert.equal(stack.readStackFile(), setTraffic(stack.readStackFile(), target, ALL_LEGACY));
    assert.equal(await gitStatus(), " M Pulumi.local.yaml\n");
    assert.equal(appliedSplit(target), formatSplit(ALL_LEGACY));
  }

  it("moves traffic when the update fails, says so, and is done when it is run again", async () => {
    const target = "airtable-gateway";
    await underLoad(target, ratePerSecond, async ({ shots }) => {
      await moveToBlue(target);
      const before = await commits();
      const locked = await cutover(stack, ["rollback", target], { PULUMI_CONFIG_PASSPHRASE: "forgotten" });
      assert.equal(locked.code, 4, locked.stderr);
      assertBack(target, shots, locked);
      assert.match(locked.stderr, /passphrase/);
      assert.equal(
        locked.stdout,
        "airtable-gateway's traffic is back at legacy 100, but this is not recorded yet. Finish it with: cutover resume\n",
      );
      assert.equal(appliedSplit(target), formatSplit(onBlue));

      const missing = await cutover(stack, ["rollback", target, "--json"], {
        PATH: await pathWithoutPulumi(),
      });
      assert.equal(missing.code, 4, missing.stdout);
      assert.match(rollbackSaid(missing).problems.join("\n"), /found no pulumi on PATH/);

      const finished = await rollback(target);
      assert.equal(finished.code, 0, finished.stderr);
      assert.equal(await commits(), before + 1);
    });
    await assertAgreed(target);
  });

  it("can be asked for twice at once", async () => {
    const target = "llm-orchestrator";
    let answers: CutoverResult[] = [];
    const shots = await underLoad(target, ratePerSecond, async () => {
      await moveToBlue(target);
      const before = await commits();
      answers = await Promise.all([rollback(target), rollback(target)]);
      assert.equal(await commits(), before + 1);
    });
    for (const answer of answers) {
      assert.equal(answer.code, 0, answer.stderr);
      assertBack(target, shots, answer);
    }
    await assertAgreed(target);
  });

  it("takes automation's consumer back too: exactly one throughout, and each message is taken once", async () => {
    const target = "automation";
    let answer: CutoverResult | undefined;
    const shots = await underLoad(target, ratePerSecond, async () => {
      const takers = await withConsumersWatched(async ({ settled }) => {
        await moveToBlue(target);
        assert.deepEqual(await settled(), ["automation/blue"]);
        answer = await rollback(target);
        assert.equal(answer.code, 0, answer.stderr);
        assert.deepEqual(await settled(), ["automation/legacy"]);
      });
      assert.deepEqual(takers, ["automation/blue", "automation/legacy"]);
    });
    assert.ok(answer);
    assertBack(target, shots, answer);
    await assertAgreed(target);
  });

  it("leaves somebody's uncommitted edit of the stack file alone, and doesn't carry it out", async () => {
    const target = "docs";
    const edited = (text: string): string => text.replace(/(pyairtable:docs:[^]*?capacity:) 1/, "$1 2");
    await underLoad(target, ratePerSecond, async ({ shots }) => {
      await moveToBlue(target);
      const theirs = edited(stack.readStackFile());
      fs.writeFileSync(stack.stackFile, theirs);
      const answer = await rollback(target);
      assert.equal(answer.code, 0, answer.stderr);
      assertBack(target, shots, answer);
      assert.equal(stack.readStackFile(), setTraffic(theirs, target, ALL_LEGACY));
      assert.equal(stack.readStackFile(), edited(await committed()));
      assert.notEqual(stack.readStackFile(), await committed());
      assert.equal(await replicas("docs-blue"), "1");
    });
    await stack.git("checkout", "--quiet", "--", ".");
    await assertAgreed(target);
  });

  it("goes by what is committed when the stack file can't be read", async () => {
    const target = "docs";
    await underLoad(target, ratePerSecond, async ({ shots }) => {
      await moveToBlue(target);
      const theirs = `${stack.readStackFile()}unfinished: {\n`;
      fs.writeFileSync(stack.stackFile, theirs);
      const answer = await rollback(target, "--json");
      assertBack(target, shots, answer);
      assert.equal(answer.code, 4, answer.stdout);
      const problems = rollbackSaid(answer).problems.join("\n");
      assert.match(problems, /can't be read as it is, so what is committed counts/);
      assert.match(problems, /The stack file doesn't say so yet: mend it, then run this again/);
      assert.equal(stack.readStackFile(), theirs);
      assert.equal(appliedSplit(target), formatSplit(ALL_LEGACY));
    });
    await stack.git("checkout", "--quiet", "--", ".");
    const finished = await rollback(target);
    assert.equal(finished.code, 0, finished.stderr);
    await assertAgreed(target);
  });

  it("changes nothing when it is asked what it would do", async () => {
    const target = "docs";
    await editWeights(target, { legacy: 0, blue: 100 });
    const before = [
      (await readRoute(target)).version,
      await stack.git("rev-parse", "HEAD"),
      await gitStatus(),
    ];
    const words = await rollback(target, "--dry-run");
    assert.equal(words.code, 0, words.stderr);
    assert.match(
      words.stdout,
      /^docs would go from a route that was changed by hand .* to legacy 100\. Nothing was changed\.\n$/,
    );
    const json = await rollback(target, "--dry-run", "--json");
    assert.equal(json.code, 0, json.stderr);
    assert.equal(json.stderr, "");
    assert.deepEqual(Object.keys(JSON.parse(json.stdout) as object), ["target", "from", "to"]);
    assert.deepEqual(
      [(await readRoute(target)).version, await stack.git("rev-parse", "HEAD"), await gitStatus()],
      before,
    );
    const back = await rollback(target);
    assert.equal(back.code, 0, back.stderr);
    await assertAgreed(target);
  });

  it("says what it can't understand, and what it can't reach", async function () {
    this.timeout(60_000);
    const unknown = await rollback("frontent");
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /expected one of frontend, /);
    const nowhere = path.join(trash, "kubeconfig");
    fs.writeFileSync(nowhere, unreachableKubeconfig);
    const alone = await cutover(stack, ["rollback", "docs"], { KUBECONFIG: nowhere });
    assert.equal(alone.code, 1);
    assert.match(
      alone.stderr,
      /^ *cluster test \(http:\/\/127\.0\.0\.1:1\) hasn't answered yet; asking again\nno traffic was moved: cluster test \(http:\/\/127\.0\.0\.1:1\) can't be reached: /,
    );
    await assertAgreed("docs");
  });

  it("leaves a stack with nothing to change", async () => {
    succeeded(await stack.preview());
  });
});

const unreachableKubeconfig = `
apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: test, context: {cluster: test, user: test}}]
users: [{name: test, user: {}}]
`;

/** The left backend has answered for the last time soon after the command, and all that came later has the route's hash. */
function assertBack(
  target: RoutedTargetName,
  shots: readonly Shot[],
  { startedAt }: CutoverResult,
  within = backWithin,
): void {
  const own = shots.filter((shot) => shot.target === target);
  const lastOld = lastAnswerAfter(own, "blue", startedAt) ?? 0;
  assert.ok(lastOld < within, `blue answered for ${lastOld} ms`);
  const last = own.toSorted((a, b) => receivedAt(a) - receivedAt(b)).slice(-20);
  assert.deepEqual(
    [...new Set(last.map(({ backend, routeHash }) => `${backend} ${routeHash}`))],
    [`legacy ${splitHash(target, ALL_LEGACY)}`],
  );
}

function rollbackCommit(target: string): string {
  return `${target}: rollback to legacy 100\n\nPulumi.local.yaml\n`;
}

const routeSchema = z.object({
  metadata: z.object({
    resourceVersion: z.string(),
    annotations: z.record(z.string(), z.string()),
    managedFields: z.array(
      z.object({
        manager: z.string(),
        operation: z.string(),
        fieldsV1: z.object({ "f:spec": z.object({ "f:rules": z.unknown().optional() }).optional() }),
      }),
    ),
  }),
  spec: z.object({ rules: z.array(z.unknown()) }),
});

interface Route {
  readonly version: string;
  readonly split: string | undefined;
  /** Field managers. */
  readonly appliedBy: readonly string[];
  readonly rulesOwnedBy: readonly string[];
  readonly rules: readonly unknown[];
}

async function readRoute(target: RoutedTargetName): Promise<Route> {
  const json = await kubectl(await tools(), [
    ...["-n", "pyairtable", "get", "httproute", target],
    ...["-o", "json", "--show-managed-fields"],
  ]);
  const { metadata, spec } = routeSchema.parse(JSON.parse(json));
  return {
    version: metadata.resourceVersion,
    split: metadata.annotations["pyairtable.dev/split"],
    appliedBy: metadata.managedFields
      .filter(({ operation }) => operation === "Apply")
      .map(({ manager }) => manager),
    rulesOwnedBy: metadata.managedFields
      .filter(({ fieldsV1 }) => fieldsV1["f:spec"]?.["f:rules"] !== undefined)
      .map(({ manager }) => manager),
    rules: spec.rules,
  };
}

async function routeIs(target: RoutedTargetName, wanted: typeof onBlue): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if ((await readRoute(target)).split === formatSplit(wanted)) return;
    await sleep(50);
  }
  assert.fail(`the route of ${target} never went to ${formatSplit(wanted)}`);
}

type Weights = Readonly<Partial<Record<Backend, number>>>;

/** As `kubectl edit` would: another field manager, which then owns the weights. */
async function editWeights(target: RoutedTargetName, weights: Weights): Promise<void> {
  const { rules } = await readRoute(target);
  const patch = [weights.legacy ?? 0, weights.blue ?? 0].map((value, index) => ({
    op: "replace",
    path: `/spec/rules/${rules.length - 1}/backendRefs/${index}/weight`,
    value,
  }));
  await kubectl(await tools(), [
    ...["-n", "pyairtable", "patch", "httproute", target, "--type=json", "--field-manager=kubectl-edit"],
    ...["-p", JSON.stringify(patch)],
  ]);
}

/** As another program would that applies the whole route by force. */
async function applyWeights(target: RoutedTargetName, weights: Weights): Promise<void> {
  const toolbox = await tools();
  const json = await kubectl(toolbox, ["-n", "pyairtable", "get", "httproute", target, "-o", "json"]);
  const route = z
    .object({
      apiVersion: z.string(),
      kind: z.string(),
      spec: z.looseObject({
        rules: z.array(
          z.looseObject({ backendRefs: z.array(z.looseObject({ name: z.string(), weight: z.int() })) }),
        ),
      }),
    })
    .parse(JSON.parse(json));
  for (const reference of route.spec.rules.at(-1)?.backendRefs ?? []) {
    reference.weight = reference.name === `${target}-blue` ? (weights.blue ?? 0) : (weights.legacy ?? 0);
  }
  await applyAsRogue(target, route);
}

/** The other program wants nothing of the route any more. */
async function letGo(target: RoutedTargetName): Promise<void> {
  await applyAsRogue(target, { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute" });
}

async function applyAsRogue(target: RoutedTargetName, route: object): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "fast-road-"));
  try {
    const file = path.join(folder, "route.json");
    fs.writeFileSync(file, JSON.stringify({ ...route, metadata: { name: target, namespace: "pyairtable" } }));
    await kubectl(await tools(), [
      ...["apply", "--server-side", "--force-conflicts", "--field-manager=rogue", "-f", file],
    ]);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

async function replicas(deployment: string): Promise<string> {
  return kubectl(await tools(), [
    ...["-n", "pyairtable", "get", "deployment", deployment, "-o", "jsonpath={.spec.replicas}"],
  ]);
}

const checkpointSchema = z.object({
  checkpoint: z.object({
    latest: z.object({
      resources: z.array(
        z.object({ type: z.string(), outputs: z.record(z.string(), z.unknown()).optional() }),
      ),
    }),
  }),
});
const targetsSchema = z.record(z.string(), z.object({ split: z.string() }));

/** What the stack's state says that the last successful update left. */
function appliedSplit(target: RoutedTargetName): string | undefined {
  const file = path.join(pulumiStateDir, ".pulumi", "stacks", projectName, `${stackName}.json`);
  const { resources } = checkpointSchema.parse(JSON.parse(fs.readFileSync(file, "utf8"))).checkpoint.latest;
  const outputs = resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs;
  return targetsSchema.parse(outputs?.["targets"])[target]?.split;
}

/** The process of the update that runs. */
function lockOwner(): number {
  const backendUrl = `file://${pulumiStateDir}`;
  const lock = readUpdateLock({ backendUrl, project: projectName, stack: stackName });
  assert.ok(lock !== undefined && lock !== "unreadable");
  return lock.pid;
}

async function pathWithoutPulumi(): Promise<string> {
  const folders = localEnvironment(await tools())["PATH"]?.split(path.delimiter) ?? [];
  return folders.filter((folder) => !fs.existsSync(path.join(folder, "pulumi"))).join(path.delimiter);
}

function proxied(onRequest: (request: ApiRequest) => Verdict): Promise<ApiProxy> {
  return startApiProxy({ kubeconfig: adminKubeconfig, onRequest });
}

function isRouteWrite({ verb, resource, isDryRun }: ApiRequest): boolean {
  return verb === "patch" && resource === "httproutes" && !isDryRun;
}

function firstOf(
  isMeant: (request: ApiRequest) => boolean,
  verdict: Verdict,
): (request: ApiRequest) => Verdict {
  let isPast = false;
  return (request) => {
    if (isPast || !isMeant(request)) return "pass";
    isPast = true;
    return verdict;
  };
}

/** Each answer comes 1.5 s late for some time, in ms; the update has its own timeouts, which are not meant here. */
function slowFor(ms: number): () => Verdict {
  const until = Date.now() + ms;
  return () => (Date.now() < until ? { delayMs: 1500 } : "pass");
}

/** Tells when a request is made, and lets it wait meanwhile for as long as a rollback takes to commit. */
class Gate {
  private open: () => void = () => undefined;
  readonly reached = new Promise<void>((resolve) => (this.open = resolve));

  constructor(private readonly isMeant: (request: ApiRequest) => boolean) {}

  judge(request: ApiRequest): Verdict {
    if (!this.isMeant(request)) return "pass";
    this.open();
    return { delayMs: 1500 };
  }
}
