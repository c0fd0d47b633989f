import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type RoutedTargetName, routedTargets } from "../../catalog";
import { KubeApi, ask } from "../../cluster/kubeApi";
import { readLiveRoute } from "../../cluster/liveRoutes";
import { setTraffic } from "../../config/edit";
import { Journal } from "../../cutover/journal";
import type { LocalGuard, LogLine } from "../../local/guard";
import { lastAnswerAfter } from "../../local/load/statistics";
import type { LocalStack } from "../../local/localStack";
import { adminKubeconfig } from "../../local/paths";
import { formatSplit, isTampered } from "../../migration";
import { assertAgreed, namespace } from "../faults/agreement";
import { findCli, findRecording, kill, seen } from "../faults/processes";
import { run } from "../../tools/child";
import { gitIn } from "../support/checkoutCopy";
import { type ApiRequest, type Verdict, startApiProxy } from "../support/apiProxy";
import { type StartGuardOptions, sendAlerts, startGuard } from "../support/guard";
import { type HttpStub, startHttpStub } from "../unit/support/httpStub";
import { cutover } from "./cutoverCommand";
import { underLoad } from "./load";
import { commitSplit, split, stackOnLegacy, succeeded } from "./world";

const onBlue = split("blue 100");

const ratePerSecond = 80;

describe("the guard, under load", function () {
  this.timeout(180_000);
  let stack: LocalStack;
  let api: KubeApi;
  let chat: HttpStub;
  let trash: string;
  let guards: LocalGuard[];

  before(async () => {
    process.env["KUBECONFIG"] = adminKubeconfig;
    api = await KubeApi.connect();
    stack = await stackOnLegacy("guard");
    await stack.git("config", "user.name", "on call");
    await stack.git("config", "user.email", "on-call@localhost");
  });

  beforeEach(async () => {
    guards = [];
    trash = fs.mkdtempSync(path.join(os.tmpdir(), "guard-e2e-"));
    chat = await startHttpStub(() => ({}));
    fs.writeFileSync(path.join(trash, "chat"), chat.origin, { mode: 0o600 });
  });

  afterEach(async function () {
    for (const guard of guards) await guard.stop("SIGKILL");
    if (this.currentTest?.state === "failed") {
      // What a guard did is told by nothing else.
      console.log(
        guards.map(({ pid, log }) => `guard ${pid}: ${JSON.stringify(log, undefined, 1)}`).join("\n"),
      );
    }
    await chat.close();
    fs.rmSync(trash, { recursive: true });
  });

  async function guarded(options: StartGuardOptions = {}): Promise<LocalGuard> {
    const flags = ["--chat-url-file", path.join(trash, "chat"), ...(options.flags ?? [])];
    const guard = await startGuard(stack, { scale: 0.1, ...options, flags });
    guards.push(guard);
    if (!flags.includes("--lease")) await guard.ready();
    return guard;
  }

  const readyStatus = async (guard: LocalGuard): Promise<number> =>
    (await ask(new URL("/readyz", guard.origin))).status;

  async function moveToBlue(...targets: readonly RoutedTargetName[]): Promise<void> {
    // One at a time may be in flight.
    for (const target of targets) {
      await commitSplit(stack, target, onBlue);
      succeeded(await stack.up());
    }
  }

  const commits = async (): Promise<number> => Number(await stack.git("rev-list", "--count", "HEAD"));
  const told = (): readonly string[] => chat.asked.map(({ body }) => body);
  const isRecorded = ({ message }: LogLine): boolean => message.startsWith("recorded:");

  async function liveSplit(target: RoutedTargetName): Promise<string> {
    const live = await readLiveRoute(api, namespace, target);
    return live === undefined || isTampered(live) ? "?" : formatSplit(live.split);
  }

  async function recorded(guard: LocalGuard, ...targets: readonly RoutedTargetName[]): Promise<void> {
    for (const target of targets) {
      await guard.says(/^recorded:/, ({ targets: those }) => Array.isArray(those) && those.includes(target));
    }
  }

  /** Recorded by a guard, or by the `cutover` that a killed one had started: that goes on, and takes its note over. */
  async function nothingUnfinished(): Promise<void> {
    const journal = Journal.for(stack.stackFile, "local");
    while (journal?.unfinished().length !== 0 || findRecording(stack.stackFile) !== undefined)
      await sleep(50);
  }

  /** Cluster, state, file, git and the next preview say that a target is back. */
  async function assertBackAndAgreed(...targets: readonly RoutedTargetName[]): Promise<void> {
    for (const target of targets) assert.equal(await liveSplit(target), "legacy 100", target);
    await assertAgreed(stack, api);
  }

  it("brings traffic back on an alert, records it, tells the chat, and does it once", async () => {
    const target = "frontend";
    const guard = await guarded();
    let sentAt = 0;
    const shots = await underLoad(target, ratePerSecond, async () => {
      await moveToBlue(target);
      const before = await commits();
      sentAt = Date.now();
      const answers = await Promise.all([
        sendAlerts(guard, [{ target, backend: "blue" }]),
        sendAlerts(guard, [{ target, backend: "blue" }]),
      ]);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200],
      );
      await recorded(guard, target);
      assert.equal((await sendAlerts(guard, [{ target, backend: "blue" }])).status, 200);
      assert.equal(await commits(), before + 1);
    });
    const late = lastAnswerAfter(shots, "blue", sentAt);
    assert.ok(late === undefined || late < 3000, `${late} ms on blue after the alert`);
    const [back, agreed] = await Promise.all(
      [/^traffic is back$/, /^recorded:/].map((text) => guard.says(text)),
    );
    console.log(
      `      proven ${Number(back?.["seconds"]).toFixed(3)} s after the alert, last answer of blue ${((late ?? 0) / 1000).toFixed(3)} s, recorded ${Number(agreed?.["seconds"]).toFixed(1)} s`,
    );
    assert.equal(
      (await stack.git("log", "-1", "--format=%s")).trim(),
      "frontend: rollback to legacy 100 (ErrorsTooHigh of frontend/blue)",
    );
    await assertBackAndAgreed(target);
    assert.equal(guard.log.filter(({ message }) => message === "route written").length, 1);
    const [moved = "", recordedText = ""] = told();
    assert.match(moved, /LEVEL 1.*frontend: rolled back because of ErrorsTooHigh of frontend\/blue/);
    assert.match(moved, /Found: 12 % of its answers are errors.*Done: blue 100 -> legacy 100/);
    assert.match(recordedText, /frontend: route, git and state agree again/);
  });

  it("acts on nobody's word but Alertmanager's, and on nothing that isn't true", async () => {
    const target = "docs";
    let answer: object | undefined = { status: "success", data: { alerts: [] } };
    const prometheus = await startHttpStub(() => (answer === undefined ? { status: 503 } : { body: answer }));
    try {
      const guard = await guarded({ prometheus: prometheus.origin });
      await moveToBlue(target);
      const alert = { target, backend: "blue" } as const;
      assert.equal((await sendAlerts(guard, [alert], "forged")).status, 401);
      const others = [
        { ...alert, status: "resolved" as const },
        { ...alert, isTrigger: false },
        { ...alert, backend: "green" as const },
        alert,
      ];
      for (const each of others) assert.equal((await sendAlerts(guard, [each])).status, 200);
      assert.equal(await liveSplit(target), "blue 100");
      await guard.says(/decided: ignore/, ({ why }) =>
        /Prometheus says that it isn't true/.test(String(why)),
      );

      answer = undefined;
      assert.equal((await sendAlerts(guard, [alert])).status, 200);
      await recorded(guard, target);
    } finally {
      await prometheus.close();
    }
    await assertBackAndAgreed(target);
  });

  it("sees a trigger in Prometheus by itself, when Alertmanager says nothing", async () => {
    const target = "docs";
    const labels = { alertname: "HealthFailing", target, backend: "blue", action: "rollback" };
    const activeAt = new Date().toISOString();
    const alerts = [{ labels, annotations: {}, state: "firing", activeAt, value: "0e+00" }];
    await moveToBlue(target);
    const prometheus = await startHttpStub(() => ({ body: { status: "success", data: { alerts } } }));
    try {
      const guard = await guarded({ prometheus: prometheus.origin });
      await recorded(guard, target);
    } finally {
      await prometheus.close();
    }
    await assertBackAndAgreed(target);
  });

  it("and a human at the same time, and a second guard: one commit", async () => {
    const target = "auth-service";
    const [one, other] = [await guarded(), await guarded()];
    await underLoad(target, ratePerSecond, async () => {
      await moveToBlue(target);
      const before = await commits();
      const alert = [{ target, backend: "blue" }] as const;
      const [human] = await Promise.all([
        cutover(stack, ["rollback", target]),
        sendAlerts(one, alert),
        sendAlerts(other, alert),
      ]);
      assert.equal(human.code, 0, human.stderr);
      for (const guard of [one, other]) {
        if (guard.log.some(({ message }) => message === "route written")) await recorded(guard, target);
      }
      assert.equal(await commits(), before + 1);
    });
    await assertBackAndAgreed(target);
  });

  it("acts in one of two, by a lease, and the other takes up what a killed one has left", async () => {
    const target = "auth-service";
    const flags = ["--lease", `${namespace}/guard-of-a-test`];
    const [one, other] = [await guarded({ flags }), await guarded({ flags })];
    while ((await readyStatus(one)) !== 200) await sleep(20);
    assert.equal(await readyStatus(other), 503);
    await moveToBlue(target);
    const alert = [{ target, backend: "blue" }] as const;
    assert.equal((await sendAlerts(other, alert)).status, 503);
    assert.equal(await liveSplit(target), "blue 100");

    const sent = sendAlerts(one, alert).catch(() => undefined);
    await one.says(/^route written$/);
    await one.stop("SIGKILL");
    await sent;
    await other.says(/^taking up a rollback that was cut short$/, (line) => line["target"] === target);
    await recorded(other, target);
    assert.equal(await readyStatus(other), 200);
    await assertBackAndAgreed(target);
    await api.ask(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/guard-of-a-test`, {
      method: "DELETE",
    });
  });

  describe("killed, and started again, finishes", () => {
    const target = "api-gateway";
    const alert = [{ target, backend: "blue" }] as const;

    /** Kills when the API server is asked something, which doesn't get there. */
    const at = (isMeant: (request: ApiRequest) => boolean) => async (): Promise<LocalGuard> => {
      let strike: () => void = () => undefined;
      const proxy = await startApiProxy({
        kubeconfig: adminKubeconfig,
        onRequest: (request): Verdict => {
          if (!isMeant(request)) return "pass";
          strike();
          return "drop";
        },
      });
      try {
        const guard = await guarded({ environment: { KUBECONFIG: proxy.kubeconfigFile } });
        strike = () => process.kill(guard.pid, "SIGKILL");
        await sendAlerts(guard, alert).catch(() => undefined);
        await guard.stop("SIGKILL");
        return guard;
      } finally {
        await proxy.close();
      }
    };

    const when = (comes: (guard: LocalGuard, signal: AbortSignal) => Promise<unknown>) => async () => {
      const guard = await guarded();
      const sent = sendAlerts(guard, alert).catch(() => undefined);
      await comes(guard, AbortSignal.timeout(60_000));
      await guard.stop("SIGKILL");
      await sent;
      return guard;
    };

    const headIs = (message: RegExp, signal: AbortSignal): Promise<true> =>
      seen(
        async () => (message.test(await stack.git("log", "-1", "--format=%s")) ? true : undefined),
        signal,
      );

    const steps: readonly (readonly [
      step: string,
      killed: () => Promise<LocalGuard>,
      isToldAgain: boolean,
    ])[] = [
      ["before it decides", at(({ verb, resource }) => verb === "list" && resource === "httproutes"), true],
      [
        "before it writes the route",
        at(({ verb, resource }) => verb === "patch" && resource === "httproutes"),
        false,
      ],
      ["once the route is written", when((guard) => guard.says(/^route written$/)), false],
      [
        "once it is committed",
        when((_guard, signal) => headIs(/rollback to legacy 100 \(Errors/, signal)),
        false,
      ],
      [
        "together with the update",
        when(async (_guard, signal) => {
          const [cli, command] = [
            await seen(() => findCli(stack.stackFile), signal),
            findRecording(stack.stackFile),
          ];
          for (const pid of [command, cli]) if (pid !== undefined) kill(pid);
        }),
        false,
      ],
    ];
    for (const [step, killed, isToldAgain] of steps) {
      it(step, async () => {
        await underLoad(target, ratePerSecond, async () => {
          await moveToBlue(target);
          const before = await commits();
          await killed();
          const next = await guarded();
          // Alertmanager got no answer, and sends it again.
          if (isToldAgain) assert.equal((await sendAlerts(next, alert)).status, 200);
          await nothingUnfinished();
          assert.equal(await commits(), before + 1);
        });
        await assertBackAndAgreed(target);
      });
    }

    it("while cutover starts, and that dies too, once the next guard is at work", async () => {
      await moveToBlue(target);
      const before = await commits();
      const first = await guarded();
      const sent = sendAlerts(first, alert).catch(() => undefined);
      const signal = AbortSignal.timeout(60_000);
      const orphan = await seen(() => findRecording(stack.stackFile), signal);
      await first.stop("SIGKILL");
      await sent;
      const notedBy = (): readonly number[] =>
        Journal.for(stack.stackFile, "local")
          ?.unfinished()
          .map(({ owner }) => owner.pid) ?? [];
      await seen(() => (notedBy().join() === String(orphan) ? true : undefined), signal);

      const next = await guarded();
      const takenUp = (): boolean => next.log.some(({ message }) => message.startsWith("taking up"));
      assert.equal(takenUp(), false, "it is being recorded");
      const cli = await seen(() => findCli(stack.stackFile), signal);
      for (const pid of [orphan, cli]) kill(pid);
      await recorded(next, target);
      assert.equal(takenUp(), true);
      assert.equal(await commits(), before + 1);
      assert.equal(
        (await stack.git("log", "-1", "--format=%s")).trim(),
        `${target}: rollback to legacy 100 (ErrorsTooHigh of ${target}/blue)`,
      );
      await assertBackAndAgreed(target);
    });
  });

  it("gets through to an API server that is away for a while", async () => {
    const target = "mcp-server";
    let isAway = false;
    const proxy = await startApiProxy({
      kubeconfig: adminKubeconfig,
      onRequest: () => (isAway ? "drop" : "pass"),
    });
    try {
      const guard = await guarded({ environment: { KUBECONFIG: proxy.kubeconfigFile } });
      await underLoad(target, ratePerSecond, async () => {
        await moveToBlue(target);
        isAway = true;
        const refused = await sendAlerts(guard, [{ target, backend: "blue" }]);
        assert.equal(refused.status, 503, refused.body);
        await guard.says(/NOT rolled back/);
        isAway = false;
        // As Alertmanager does.
        assert.equal((await sendAlerts(guard, [{ target, backend: "blue" }])).status, 200);
        await recorded(guard, target);
      });
    } finally {
      await proxy.close();
    }
    await assertBackAndAgreed(target);
    assert.match(told().join("\n"), /mcp-server is NOT rolled back, and its trigger is true/);
  });

  it("moves traffic at once while somebody else's update has the lock, and records after it", async () => {
    const target = "mcp-server";
    const guard = await guarded();
    await underLoad(target, ratePerSecond, async () => {
      await moveToBlue(target);
      await commitSplit(stack, "docs", split("legacy 90 / blue 10"));
      const other = stack.up();
      await seen(() => findCli(stack.stackFile), AbortSignal.timeout(30_000));
      assert.equal((await sendAlerts(guard, [{ target, backend: "blue" }])).status, 200);
      assert.equal(await liveSplit(target), "legacy 100");
      await recorded(guard, target);
      await other;
    });
    assert.equal(await liveSplit(target), "legacy 100");
    assert.equal(await liveSplit("docs"), "legacy 90 / blue 10");
    await assertAgreed(stack, api);
    succeeded(
      await cutover(stack, ["rollback", "docs"]).then(({ code, stderr }) => ({
        code: code ?? 1,
        output: stderr,
        seconds: 0,
      })),
    );
  });

  it("goes on holding the traffic when git refuses, says so, and records once git lets it", async () => {
    const target = "mcp-server";
    const guard = await guarded();
    await moveToBlue(target);
    const lock = path.join(stack.repository, ".git", "index.lock");
    fs.writeFileSync(lock, "");
    assert.equal((await sendAlerts(guard, [{ target, backend: "blue" }])).status, 200);
    await guard.says(/^not recorded yet$/);
    assert.equal(await liveSplit(target), "legacy 100");
    fs.rmSync(lock);
    await stack.git("checkout", "--quiet", "--", ".");
    await recorded(guard, target);
    await assertBackAndAgreed(target);
    assert.match(
      told().join("\n"),
      /git and state don't say so yet.*Next, if that doesn't mend it: cutover rollback/,
    );
  });

  it("records on top of what others have pushed, and waits for a remote that is away", async () => {
    const target = "mcp-server";
    const remote = path.join(trash, "remote.git");
    await run("git", ["init", "--quiet", "--bare", "--initial-branch=main", remote]);
    await stack.git("remote", "add", "origin", remote);
    try {
      await moveToBlue(target);
      await stack.git("push", "--quiet", "--set-upstream", "origin", "main");
      const clone = path.join(trash, "clone");
      await run("git", ["clone", "--quiet", remote, clone]);
      fs.writeFileSync(path.join(clone, "NOTES"), "of somebody else");
      await gitIn(clone, "somebody else", ["add", "--all"]);
      await gitIn(clone, "somebody else", ["commit", "--quiet", "--message", "notes"]);
      await gitIn(clone, "somebody else", ["push", "--quiet"]);
      fs.renameSync(remote, `${remote}.away`);

      const guard = await guarded();
      const before = await commits();
      assert.equal((await sendAlerts(guard, [{ target, backend: "blue" }])).status, 200);
      await guard.says(/^not recorded yet$/, ({ why }) => /remote/.test(String(why)));
      assert.equal(await liveSplit(target), "legacy 100");
      assert.equal(await commits(), before);
      fs.renameSync(`${remote}.away`, remote);
      await recorded(guard, target);
      assert.equal(await commits(), before + 2);
      assert.equal(await stack.git("show", "HEAD:./NOTES"), "of somebody else");
    } finally {
      await stack.git("remote", "remove", "origin");
    }
    await assertBackAndAgreed(target);
  });

  it("takes a storm of alerts for all eight targets: each is back, recorded together, and level 3 is asked of a human", async () => {
    const guard = await guarded();
    await underLoad("frontend", ratePerSecond, async () => {
      await moveToBlue(...routedTargets);
      const alerts = routedTargets.map((target) => [{ target, backend: "blue" as const }]);
      const answers = await Promise.all(alerts.map((each) => sendAlerts(guard, each)));
      assert.ok(answers.every(({ status }) => status === 200));
      assert.deepEqual(
        await Promise.all(routedTargets.map(liveSplit)),
        routedTargets.map(() => "legacy 100"),
      );
      await recorded(guard, ...routedTargets);
    });
    await assertBackAndAgreed(...routedTargets);
    assert.match(told().join("\n"), /LEVEL 2, business impact/);
    assert.match(told().join("\n"), /LEVEL 3.*cutover rollback --level 3 --confirm local/);
    assert.equal(guard.log.filter(isRecorded).length, 1, "more than one record");
  });

  it("doesn't touch a target without a standby, and says so loudly", async () => {
    const target = "docs";
    await moveToBlue(target);
    await stack.commit("docs is extracted", (text) =>
      text.replace(/(pyairtable:docs:\n)/, "$1    legacy: retired\n"),
    );
    succeeded(await stack.up());
    try {
      const guard = await guarded();
      const route = await readLiveRoute(api, namespace, target);
      const [before, head] = [JSON.stringify(route), await commits()];
      assert.equal((await sendAlerts(guard, [{ target, backend: "blue" }])).status, 200);
      await guard.says(/docs is NOT rolled back and was NOT touched: there is no standby/);
      assert.equal(JSON.stringify(await readLiveRoute(api, namespace, target)), before);
      assert.equal(await commits(), head);
      const { body } = await ask(new URL("/metrics", guard.origin));
      assert.match(body, /^pyairtable_guard_shouts_total\{target="docs"\} 1$/m);
      while (told().length === 0) await sleep(20);
      assert.match(told().join("\n"), /docs is NOT rolled back/);
    } finally {
      await stack.commit("docs is back", (text) =>
        setTraffic(text.replace("    legacy: retired\n", ""), target, split("legacy 100")),
      );
      succeeded(await stack.up());
    }
  });

  // In a suite of its own, which comes last.
  describe("all of it", () => {
    it("leaves nothing for an update to do", async () => succeeded(await stack.preview()));
  });
});
