import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { RoutedTargetName } from "../../catalog";
import { KubeApi, ask } from "../../cluster/kubeApi";
import { httpRoutePath } from "../../cluster/httpRoute";
import { type Value, editStackFile, removeFromStackFile, setTraffic } from "../../config/edit";
import { podAddresses } from "../../local/inject";
import { type Shot, receivedAt } from "../../local/load/shot";
import type { LocalStack } from "../../local/localStack";
import { adminKubeconfig } from "../../local/paths";
import { ALL_LEGACY, type Split, formatSplit, splitHash } from "../../migration";
import { assertAgreed, namespace, readDeployments } from "../faults/agreement";
import { type KillOutcome, killAt, resume } from "../faults/killing";
import { type KillablePart, killPart, killableParts } from "../faults/platformFaults";
import { RequestLog } from "../faults/requestLog";
import { type Command, type FaultStep, type Victim, faultSteps, isEdit, isRouteWrite } from "../faults/steps";
import { Traffic, assertNoneLost } from "../faults/traffic";
import { onBlue } from "../faults/transitions";
import { type ApiProxy, startApiProxy } from "../support/apiProxy";
import { cutover } from "../e2e/cutoverCommand";
import { commitSplit, refused, stackOnLegacy, succeeded, tools } from "../e2e/world";

const ratePerSecond = 160;

/** Its blue grows from one replica to two before it gets traffic, and shrinks when it has lost it. */
const growing = "docs";
const deployment = "docs-blue";
/** Its blue stays as it is. */
const staying = "api-gateway";
/** Two replicas. */
const pair = "frontend";

const key = (target: string, ...keys: string[]): string[] => ["config", `pyairtable:${target}`, ...keys];

describe("faults, under load", function () {
  this.timeout(120_000);
  let stack: LocalStack;
  let api: KubeApi;
  let proxy: ApiProxy;
  let traffic: Traffic;
  const requests = new RequestLog();
  const shots: Shot[] = [];
  const outcomes = new Map<string, Map<string, number>>();

  before(async () => {
    process.env["KUBECONFIG"] = adminKubeconfig;
    api = await KubeApi.connect();
    proxy = await startApiProxy({ kubeconfig: adminKubeconfig, onRequest: requests.judge });
    stack = await stackOnLegacy("faults");
    await stack.git("config", "user.name", "faults");
    await stack.git("config", "user.email", "faults@localhost");
    await set(["config", "pyairtable:platform", "readyWithinSeconds"], 20);
    succeeded(await stack.up());
    traffic = new Traffic({
      vegeta: (await tools()).path("vegeta"),
      targets: [growing, staying, pair],
      ratePerSecond,
      onShot: (shot) => shots.push(shot),
    });
  });

  beforeEach(() => {
    shots.length = 0;
    requests.clear();
  });

  afterEach(() => assertNoneLost(traffic));

  after(async () => {
    try {
      await traffic.stop();
      printOutcomes();
    } finally {
      await proxy.close();
    }
  });

  const through = () => ({ environment: { KUBECONFIG: proxy.kubeconfigFile } });

  async function set(path: readonly string[], value: Value): Promise<void> {
    await stack.commit(path.join("."), (text) => editStackFile(text, path, value));
  }

  async function commitAll(edit: (text: string) => string): Promise<void> {
    const text = stack.readStackFile();
    if (edit(text) !== text) await stack.commit("a change", edit);
  }

  function count(what: string, outcome: string): void {
    const counts = outcomes.get(what) ?? new Map<string, number>();
    outcomes.set(what, counts.set(outcome, (counts.get(outcome) ?? 0) + 1));
  }

  function printOutcomes(): void {
    const lines = [...outcomes].flatMap(([what, counts]) =>
      [...counts].map(([outcome, times]) => `    ${what}: ${outcome} ${times}`),
    );
    process.stdout.write(
      `${lines.join("\n")}\n    ${traffic.requests} requests, ${traffic.lost.length} lost, ${traffic.excused} lost while nobody could answer\n`,
    );
  }

  describe("a kill -9 at a step of an update, and cutover resume", () => {
    for (const { step, victim, command, starts } of killCases()) {
      it(`of ${victim} at "${step.name}" of ${command}${command === "pulumi up" ? (starts ? ", forward" : ", back") : ""}`, async () => {
        const target = command === "pulumi up" ? growing : staying;
        const to = starts ? onBlue(100) : ALL_LEGACY;
        if (command === "pulumi up") await commitAll(starts ? toBlue : toLegacy);
        const scene = { stack, target, to, deployment, capacity: starts ? 2 : 1, api, requests } as const;
        const outcome: KillOutcome = await killAt({ scene, step, victim, command, proxy });
        count(`${victim} at "${step.name}"`, outcome);
        assert.ok(outcome !== "over before the kill" || step.isLast, "the update was over before the kill");
        assert.deepEqual(splitInFile(target), formatSplit(to));
        await assertAgreed(stack, api);
      });
    }
  });

  describe("a kill -9 of a part of the platform", () => {
    /** Brings up what was struck. */
    let heal = (): Promise<void> => Promise.resolve();

    // Nobody else's test is to go without it.
    afterEach(() => heal());

    async function strike(part: KillablePart): Promise<void> {
      const bringUp = killPart(part, await tools(), traffic);
      heal = () => {
        heal = () => Promise.resolve();
        return bringUp();
      };
    }

    for (const part of killableParts) {
      it(`of ${part} during an update: what fails moves no traffic, and the rerun converges`, async () => {
        await commitAll(toBlue);
        const step = requests.next(({ verb, resource }) => verb === "list" && resource === "httproutes");
        const update = stack.up(through());
        await step;
        await strike(part);
        // The kubelet starts the candidate: without it there is none, so that the update must fail.
        if (part !== "kubelet") await heal();
        const result = await update;
        if (part === "kubelet") {
          refused(result, /1 of 2 pods ready/);
          assert.ok(shots.every(({ target, backend }) => target !== growing || backend === "legacy"));
          await heal();
        }
        count(`${part} during an update`, result.code === 0 ? "updated" : "failed, and the rerun updated");
        if (result.code !== 0) succeeded(await stack.up());
        await assertAgreed(stack, api);
        await goBack();
      });

      it(`of ${part} right when the route is written: nothing is scaled down before the proof`, async () => {
        await commitAll(toBlue);
        succeeded(await stack.up());
        await commitAll(toLegacy);
        shots.length = 0;
        requests.clear();
        const write = requests.next((request) => isRouteWrite(request, growing));
        const update = stack.up(through());
        await write;
        await strike(part);
        // Without Contour nobody tells Envoy of the new route, so that there can be no proof.
        if (part !== "contour") await heal();
        const result = await update;
        if (part === "contour") {
          refused(result, /the new split is not proven within 20 s; nothing was scaled down/);
          assert.equal(firstWith(ALL_LEGACY), undefined);
          assert.equal(
            requests.firstAt((request) => isEdit(request, deployment)),
            undefined,
          );
          assert.deepEqual((await readDeployments(api)).get(deployment), { wanted: 2, ready: 2 });
          await heal();
        }
        count(
          `${part} at the write of the route`,
          result.code === 0 ? "updated" : "failed, and the rerun updated",
        );
        if (result.code !== 0) succeeded(await stack.up(through()));
        assertProvenBeforeShrunk(part);
        await assertAgreed(stack, api);
      });
    }

    /** The loser is scaled down only after the new route has been served. */
    function assertProvenBeforeShrunk(part: KillablePart): void {
      const provenAt = firstWith(ALL_LEGACY);
      const shrunkAt = requests.firstAt((request) => isEdit(request, deployment));
      assert.ok(provenAt !== undefined && shrunkAt !== undefined, part);
      assert.ok(
        provenAt <= shrunkAt,
        `scaled down ${provenAt - shrunkAt} ms before the new route was served`,
      );
    }

    /** When the load met the split for the first time. */
    function firstWith(split: Split): number | undefined {
      const hash = splitHash(growing, split);
      const met = shots.filter(({ routeHash }) => routeHash === hash).map(receivedAt);
      return met.length === 0 ? undefined : Math.min(...met);
    }
  });

  describe("somebody else's hand", () => {
    it("5 updates go on beside a scaler and a hand that both change replicas; no candidate gets traffic under its capacity", async function () {
      this.timeout(300_000);
      await set(key(pair, "autoscale"), { max: 4, cpuPercent: 80 });
      succeeded(await stack.up());
      await readyBlue(2);
      const splits = [10, 50, 100, 0, 100].map(onBlue);
      const replicas = [3, 4, 2, 3, 1];
      let previous = 0;
      for (const [index, split] of splits.entries()) {
        await commitSplit(stack, pair, split);
        const write = requests.next((request) => isRouteWrite(request, pair));
        const update = stack.up(through());
        await scale(replicas[index] ?? 2);
        const readyAtWrite = write.then(
          async () => (await readDeployments(api)).get("frontend-blue")?.ready ?? 0,
        );
        const { code, output } = await update;
        const isForward = split.blue > previous;
        count(`scaler and hand on ${pair}`, code === 0 ? "updated" : "refused");
        if (code === 0) {
          if (isForward)
            assert.ok(
              (await readyAtWrite) >= 2,
              `${await readyAtWrite} replicas ready when the route was written`,
            );
          previous = split.blue;
        } else {
          assert.match(output, /of 2 pods ready/);
          await readyBlue(2);
          succeeded(await stack.up());
          previous = split.blue;
        }
      }
      await readyBlue(2);
      await commitAll((text) => removeFromStackFile(text, key(pair, "autoscale")));
      succeeded(await stack.up());
      await readyBlue(2);
      await assertAgreed(stack, api);
    });

    it("5 updates say the drift of a route that a hand keeps changing; another target's way back goes on", async function () {
      this.timeout(300_000);
      // A route that the file wants on legacy would be put back there by any update: that is a way back, too.
      await commitSplit(stack, staying, onBlue(100));
      succeeded(await stack.up());
      await commitAll(toBlue);
      succeeded(await stack.up());
      const rogue = new AbortController();
      const hand = keepEditing(staying, rogue.signal);
      try {
        await sleep(500);
        for (const percent of [50, 10, 0]) {
          await commitSplit(stack, growing, onBlue(percent));
          const { output } = succeeded(await stack.up());
          assert.match(output, /A way back goes first; these routes are left as they are/);
          assert.match(output, /pyairtable:api-gateway\.traffic \(drift\)/);
          count("hand on a route, another's way back", "updated, drift said");
        }
        for (let round = 0; round < 2; round += 1) {
          await commitSplit(stack, growing, onBlue(100));
          refused(await stack.up(), /pyairtable:api-gateway\.traffic \(drift\)/);
          await stack.revert(1);
          count("hand on a route, another's way forward", "refused, drift said");
        }
        assert.match((await cutover(stack, ["status", "--stack", "local"])).stdout, /api-gateway/);
      } finally {
        rogue.abort();
        await hand;
      }
      const { code, stderr } = await cutover(stack, [
        "reconcile",
        staying,
        "--to",
        "file",
        "--yes",
        "--stack",
        "local",
      ]);
      assert.equal(code, 0, stderr);
      await assertAgreed(stack, api);
      await commitSplit(stack, staying, ALL_LEGACY);
      succeeded(await stack.up());
    });
  });

  describe("a candidate that becomes unready", () => {
    before(goBack);

    /*
     * With one of its two replicas unready nothing is lost: Envoy doesn't send anything there. With none left, its
     * share of the requests fails, whoever rolls back or not: that is what `outage` stands for, and no longer than
     * until the rollback's route is served. What must hold: no update goes further, and `cutover rollback` brings all
     * of it back although the candidate is unready.
     */
    for (const [percent, next] of [
      [10, 50],
      [50, 100],
      [100, 100],
    ] as const) {
      it(`at ${percent} %: no update goes further, and a rollback brings it back`, async () => {
        await commitSplit(stack, pair, onBlue(percent));
        succeeded(await stack.up());
        const [first, second] = await podAddresses(api, "frontend-blue");
        assert.ok(first !== undefined && second !== undefined);
        try {
          await setReady(first, false);
          await readyBlue(1, "at most");
          if (next !== percent) await commitSplit(stack, pair, onBlue(next));
          refused(await stack.up(), /found 1 of 2 pods ready/);
          if (next !== percent) await stack.revert(1);
          assertNoneLost(traffic);

          const end = traffic.outage();
          await setReady(second, false);
          await readyBlue(0, "at most");
          await sleep(500);
          const startedAt = Date.now();
          const { code, stderr } = await cutover(stack, ["rollback", pair]);
          assert.equal(code, 0, stderr);
          const lost = shots.filter(({ target, status }) => target === pair && status === 503);
          end();
          const back = shots.find(
            (shot) =>
              shot.target === pair &&
              shot.sentAt >= startedAt &&
              shot.routeHash === splitHash(pair, ALL_LEGACY),
          );
          assert.ok(back, "the rollback's route was never served");
          const late = lost.filter((shot) => shot.sentAt > receivedAt(back) + 100);
          assert.deepEqual(late.slice(0, 3), [], "lost after the rollback's route was served");
          count(`unready at ${percent} %`, "rolled back");
        } finally {
          await setReady(first, true);
          await setReady(second, true);
          await readyBlue(2);
        }
        await assertAgreed(stack, api);
      });
    }

    it("from the start: the update is refused, and nothing is lost", async () => {
      await commitAll((text) =>
        setTraffic(editStackFile(text, key(pair, "green"), "localhost/pyairtable-frontend:broken"), pair, {
          legacy: 90,
          blue: 0,
          green: 10,
        }),
      );
      refused(await stack.up(), /0 of 2 pods ready/);
      await stack.revert(1);
      assert.match(await resume(stack), /file, state and cluster agree/);
      succeeded(await stack.up());
      await assertAgreed(stack, api);
    });
  });

  // In a suite of its own, which comes last.
  describe("all of them", () => {
    it("leave nothing for an update to do", async () => succeeded(await stack.preview()));
  });

  async function goBack(): Promise<void> {
    await commitAll(toLegacy);
    succeeded(await stack.up());
  }

  function splitInFile(target: RoutedTargetName): string {
    const all = [onBlue(100), ALL_LEGACY];
    const text = stack.readStackFile();
    const found = all.find((split) => setTraffic(text, target, split) === text);
    return found === undefined ? "another" : formatSplit(found);
  }

  /** Waits until frontend's blue has so many replicas ready. */
  async function readyBlue(wanted: number, bound: "at least" | "at most" = "at least"): Promise<void> {
    const deadline = Date.now() + 45_000;
    for (;;) {
      const ready = (await readDeployments(api)).get("frontend-blue")?.ready ?? 0;
      if (bound === "at least" ? ready >= wanted : ready <= wanted) return;
      assert.ok(
        Date.now() < deadline,
        `frontend-blue has ${ready} replicas ready, expected ${bound} ${wanted}`,
      );
      await sleep(100);
    }
  }

  async function scale(replicas: number): Promise<void> {
    const { status, body } = await api.ask(
      `/apis/apps/v1/namespaces/${namespace}/deployments/frontend-blue/scale`,
      {
        method: "PATCH",
        headers: { "content-type": "application/merge-patch+json" },
        body: { spec: { replicas } },
      },
    );
    assert.equal(status, 200, body);
  }

  async function keepEditing(target: RoutedTargetName, signal: AbortSignal): Promise<void> {
    for (let blue = 10; !signal.aborted; blue = (blue + 10) % 60) {
      const route = z
        .object({ spec: z.object({ rules: z.array(z.unknown()) }) })
        .parse(JSON.parse((await api.ask(httpRoutePath(namespace, target))).body));
      const weights = `/spec/rules/${route.spec.rules.length - 1}/backendRefs`;
      const { status, body } = await api.ask(
        `${httpRoutePath(namespace, target)}?fieldManager=kubectl-edit`,
        {
          method: "PATCH",
          headers: { "content-type": "application/json-patch+json" },
          body: [
            { op: "replace", path: `${weights}/0/weight`, value: 90 - blue },
            { op: "replace", path: `${weights}/1/weight`, value: 10 + blue },
          ],
        },
      );
      assert.equal(status, 200, body);
      await sleep(300);
    }
  }
});

async function setReady(address: string, isReady: boolean): Promise<void> {
  const { status, body } = await ask(
    new URL(`http://${address}:9898/readyz/${isReady ? "enable" : "disable"}`),
    {
      method: "POST",
    },
  );
  assert.equal(Math.floor(status / 100), 2, body);
}

function toBlue(text: string): string {
  return setTraffic(editStackFile(text, key(growing, "capacity"), 2), growing, onBlue(100));
}

function toLegacy(text: string): string {
  return setTraffic(editStackFile(text, key(growing, "capacity"), 1), growing, ALL_LEGACY);
}

interface KillCase {
  readonly step: FaultStep;
  readonly victim: Victim;
  readonly command: Command;
  /** Forward, else back. */
  readonly starts: boolean;
}

/**
 * Each step of each command once, its victims in turn: every pair, and many times, is for `npm run soak`. Forward and
 * back in turn, so that each kill's update is also the way to the next one.
 */
function killCases(): KillCase[] {
  const cases = faultSteps.flatMap((step, index) =>
    step.commands.map((command) => ({ step, command, victim: pick(step.victims, index) })),
  );
  const plain = cases.filter(({ command }) => command === "pulumi up");
  const free = plain.filter(({ step }) => step.when === undefined);
  const forward = plain.filter(({ step }) => step.when === "growing");
  const back = plain.filter(({ step }) => step.when === "shrinking");
  for (const each of free) (forward.length <= back.length ? forward : back).push(each);
  const advances = cases.filter(({ command }) => command === "cutover advance");
  const rollbacks = cases.filter(({ command }) => command === "cutover rollback");
  return [...inTurn(forward, back), ...inTurn(advances, rollbacks)];
}

function pick(victims: readonly Victim[], index: number): Victim {
  const victim = victims[index % victims.length];
  assert.ok(victim);
  return victim;
}

function inTurn(
  forward: readonly Omit<KillCase, "starts">[],
  back: readonly Omit<KillCase, "starts">[],
): KillCase[] {
  return Array.from({ length: Math.max(forward.length, back.length) }).flatMap((_, index) => {
    const [there, return_] = [forward[index], back[index]];
    assert.ok(there && return_, "each way forward needs one back");
    return [
      { ...there, starts: true },
      { ...return_, starts: false },
    ];
  });
}
