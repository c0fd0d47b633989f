import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { z } from "zod";
import { type RoutedTargetName, catalogEntry, routedTargets } from "../../catalog";
import { KubeApi, ask } from "../../cluster/kubeApi";
import { readLiveRoute, readLiveRoutes } from "../../cluster/liveRoutes";
import { writeRoute } from "../../cluster/routeWriter";
import { editStackFile, setTraffic } from "../../config/edit";
import { parseStackFile } from "../../config/stackFile";
import { holds, routeFor } from "../../cutover/fastRoad";
import { localEnvironment, projectName, stackName } from "../../local/environment";
import type { LocalStack } from "../../local/localStack";
import { adminKubeconfig, checkoutDir, pulumiStateDir } from "../../local/paths";
import { hostAddress } from "../../local/platform/network";
import { kubectl } from "../../local/platform/cluster";
import { ALL_LEGACY, type Split, formatSplit, isTampered } from "../../migration";
import { assertAgreed, namespace } from "../faults/agreement";
import { resume } from "../faults/killing";
import { headOf } from "../faults/steps";
import { findCli, findCutover, kill, seen } from "../faults/processes";
import { underTraffic } from "../faults/traffic";
import { type CutoverResult, cutover } from "./cutoverCommand";
import { commitSplit, split, stackOnLegacy, succeeded, tools } from "./world";

const onBlue = split("blue 100");

describe("updates and rollbacks of the whole stack", function () {
  this.timeout(180_000);
  let stack: LocalStack;
  let api: KubeApi;

  before(async () => {
    process.env["KUBECONFIG"] = adminKubeconfig;
    api = await KubeApi.connect();
    stack = await stackOnLegacy("levels");
    await stack.git("config", "user.name", "on call");
    await stack.git("config", "user.email", "on-call@localhost");
    await stack.commit("impatient", (text) =>
      editStackFile(text, ["config", "pyairtable:platform", "readyWithinSeconds"], 8),
    );
  });

  /** What was typed, as the runbooks have it. */
  const typed = new Set<string>();

  const run = (...args: readonly string[]): Promise<CutoverResult> => {
    typed.add(["cutover", ...args].join(" "));
    return cutover(stack, args);
  };

  /** As somebody types it at a terminal, who answers what it asks. */
  async function atTerminal(command: string, answer: string): Promise<string> {
    typed.add(command);
    return typeAtTerminal(`${command} --config-file ${stack.stackFile}`, answer);
  }

  async function passed(...args: readonly string[]): Promise<CutoverResult> {
    const result = await run(...args);
    assert.equal(result.code, 0, result.stdout + result.stderr);
    return result;
  }

  /** Whatever a command must leave alone: HEAD, tags, the working copy and the routes. */
  async function everything(): Promise<unknown> {
    const git = [
      ["rev-parse", "HEAD"],
      ["tag", "--list"],
      ["status", "--porcelain"],
    ];
    return [...(await Promise.all(git.map((args) => stack.git(...args)))), await liveSplits()];
  }

  async function liveSplits(): Promise<readonly string[]> {
    const live = await readLiveRoutes(api, namespace);
    return routedTargets.map((target) => {
      const route = live.get(target);
      return `${target} ${route === undefined || isTampered(route) ? "?" : formatSplit(route.split)}`;
    });
  }

  const newestTag = async (): Promise<string> =>
    (await stack.git("tag", "--list", "--sort=-refname", "good/local/*")).split("\n")[0] ?? "";

  const underLoad = <T>(targets: readonly RoutedTargetName[], work: () => Promise<T>): Promise<T> =>
    tools().then((toolbox) =>
      underTraffic({ vegeta: toolbox.path("vegeta"), targets, ratePerSecond: 80 }, work),
    );

  describe("cutover update", () => {
    it("carries out what is committed, with rules and policies, and marks it as good", async () => {
      await commitSplit(stack, "frontend", onBlue);
      const dry = await passed("update", "--dry-run");
      assert.match(dry.stderr, /pyairtable:frontend\.traffic: legacy 100 -> blue 100/);
      assert.match(dry.stdout, /^Nothing was changed\. The update would: .*update/);
      assert.equal((await liveSplits())[0], "frontend legacy 100");

      const { stdout, stderr } = await passed("update", "--yes");
      assert.match(stdout, /^The stack is as [0-9a-f]{9} says, verified and marked as good\.\n$/);
      for (const step of [/rules and policies pass/, /updated in/, /verified/, /tagged good\/local/]) {
        assert.match(stderr, step);
      }
      assert.equal((await liveSplits())[0], "frontend blue 100");
      assert.equal(
        await stack.git("rev-parse", `${await newestTag()}^{commit}`),
        await stack.git("rev-parse", "HEAD"),
      );
      await assertAgreed(stack, api);
      succeeded(await stack.preview());
    });

    it("refuses what isn't committed and what the rules refuse, and changes nothing", async () => {
      const before = await everything();
      fs.appendFileSync(stack.stackFile, "# unfinished\n");
      const uncommitted = await run("update", "--yes");
      assert.equal(uncommitted.code, 3);
      assert.match(uncommitted.stderr, /has changes that are not committed, expected none/);
      await stack.git("checkout", "--quiet", "--", ".");
      assert.deepEqual(await everything(), before);

      const splits = await liveSplits();
      await stack.commit("two at once", (text) =>
        setTraffic(setTraffic(text, "docs", split("legacy 90 / blue 10")), "mcp-server", onBlue),
      );
      const ruled = await run("update", "--yes");
      await stack.revert(1);
      assert.equal(ruled.code, 3, ruled.stderr);
      assert.match(ruled.stderr, /The rules refuse it; nothing was changed\./);
      assert.deepEqual(await liveSplits(), splits);
    });

    it("waits for a living update, and then takes back nothing that it moved", async () => {
      const release = holdLock();
      const waiting = run("update", "--yes");
      try {
        const forever = new AbortController().signal;
        const refused = await seen(() => findCli(stack.stackFile), forever);
        await seen(() => (findCli(stack.stackFile) === refused ? undefined : true), forever);
        // As a rollback begins.
        await move("frontend", ALL_LEGACY);
      } finally {
        release();
      }
      const { code, stderr } = await waiting;
      assert.equal(code, 3, stderr);
      assert.match(stderr, /waiting for another update: \S+@\S+, process \d+/);
      assert.match(stderr, /The update that was waited for has moved traffic/);
      assert.match(stderr, /frontend: blue 100 -> legacy 100/);
      await passed("rollback", "frontend");
    });

    it("leaves a lock alone whose owner is on another machine, until somebody breaks it (docs/lost-lock.md)", async () => {
      const release = holdLock("a-runner");
      try {
        const { code, stdout } = await run("resume", "--dry-run");
        assert.equal(code, 5);
        assert.match(stdout, /an update: \S+@a-runner, process \d+, since \S+Z, on another machine/);
        typed.add("pulumi cancel --stack local");
        succeeded(await stack.pulumi(["cancel", "--stack", "local", "--yes"]));
      } finally {
        release();
      }
      assert.match(await atTerminal("cutover resume", "y"), /There is nothing to resume/);
      assert.match(await atTerminal("cutover update", "y"), /verified and marked as good/);
    });
  });

  describe("cutover rollback --level 2", () => {
    let good: string;

    before(async () => {
      // The pins are an empty project's, so that `npm ci` needs nothing from outside.
      await commitFiles("pins and workflows", {
        "package.json": '{"name": "pins", "version": "1.0.0"}\n',
        "package-lock.json": lockfile("1.0.0"),
        ".github/workflows/update.yml": "name: update\n",
      });
      await passed("update", "--yes");
      good = await newestTag();
    });

    it("brings traffic, stack file, workflows and pins back as they were, to the byte, and loses no request", async () => {
      await commitFiles("later", {
        "package.json": '{"name": "pins", "version": "2.0.0"}\n',
        "package-lock.json": lockfile("2.0.0"),
        ".github/workflows/update.yml": "name: broken\n",
        ".github/workflows/new.yml": "name: new\n",
        "README.md": "words\n",
      });
      let answer: CutoverResult | undefined;
      await underLoad(["frontend", "api-gateway"], async () => {
        for (const target of ["frontend", "api-gateway"]) {
          await passed("advance", target, "--weight", "100", "--yes");
        }
        const commits = Number(await stack.git("rev-list", "--count", "HEAD"));
        answer = await passed("rollback", "--level", "2", "--to", good, "--yes");
        assert.equal(Number(await stack.git("rev-list", "--count", "HEAD")), commits + 1);
      });
      assert.ok(answer);
      assert.match(answer.stderr, /routes written: frontend legacy 100, api-gateway legacy 100/);
      assert.match(answer.stderr, /of 30 min {2}installed the packages of package-lock\.json \(npm ci\)/);
      assert.match(answer.stderr, /docs is healthy: legacy answers \/readyz through the gateway/);
      assert.match(
        answer.stdout,
        /^The stack is back at good\/local\/.*\nlevel 2 took \d+\.\d s of its 30 min\n$/,
      );
      assert.equal(
        await stack.git("diff", "--name-status", good, "HEAD"),
        "A\tREADME.md\n",
        "files differ from the good state",
      );
      assert.equal(stack.readStackFile(), await stack.git("show", `${good}:Pulumi.local.yaml`));
      assert.match(await stack.git("tag", "--points-at", "HEAD"), /^good\/local\//);
      await assertAgreed(stack, api);
    });

    it("takes the newest good state that asks for nothing but ways back, if none is named", async () => {
      await passed("advance", "frontend", "--weight", "10", "--yes");
      const ten = await newestTag();
      await passed("advance", "frontend", "--weight", "50", "--yes");
      const { stdout } = await passed("rollback", "--level", "2", "--dry-run");
      assert.equal(stdout, `Nothing was changed. It would go back to ${ten}.\n`);
      assert.match(await atTerminal("cutover rollback --level 2", "n"), /Nothing was changed/);
      assert.match(await atTerminal("cutover rollback --level 2", "y"), /routes, git and state agree/);
      assert.equal((await liveSplits())[0], "frontend legacy 90 / blue 10");
      await passed("rollback", "frontend");
    });

    it("asks the rules about what isn't a way back, and refuses what is unknown or being edited", async () => {
      const tags = (await stack.git("tag", "--list", "--sort=refname", "good/local/*")).trim().split("\n");
      const splitAt = (tag: string): Promise<string> => stack.git("show", `${tag}:Pulumi.local.yaml`);
      const both = await firstWhere(tags, async (tag) => {
        const { targets } = parseStackFile(await splitAt(tag));
        return targets.frontend.split.blue === 100 && targets["api-gateway"].split.blue === 100;
      });
      const before = await everything();
      const forward = await run("rollback", "--level", "2", "--to", both, "--yes");
      assert.equal(forward.code, 3, forward.stderr);
      assert.match(forward.stderr, /The rules refuse it; nothing was changed\./);
      const unknown = await run("rollback", "--level", "2", "--to", "good/local/never", "--yes");
      assert.equal(unknown.code, 2);
      assert.match(unknown.stderr, /--to: found good\/local\/never, expected a good state of stack local/);
      assert.deepEqual(await everything(), before);

      fs.appendFileSync(path.join(stack.repository, "package.json"), "\n");
      const edited = await run("rollback", "--level", "2", "--to", good, "--yes");
      await stack.git("checkout", "--quiet", "--", ".");
      assert.equal(edited.code, 3);
      assert.match(edited.stderr, /not committed in package\.json, expected none/);
      assert.deepEqual(await everything(), before);
    });
  });

  describe("cutover rollback --level 3", () => {
    /** One extracted, one at 100 %, two in flight, one changed by hand. */
    async function scatter(): Promise<void> {
      await commitSplit(stack, "frontend", onBlue);
      succeeded(await stack.up());
      await stack.commit("frontend: extracted", (text) =>
        editStackFile(
          setTraffic(text, "api-gateway", onBlue),
          ["config", "pyairtable:frontend", "legacy"],
          "retired",
        ),
      );
      succeeded(await stack.up());
      // No update puts a second one in flight.
      await move("docs", split("legacy 90 / blue 10"));
      await move("mcp-server", split("legacy 50 / blue 50"));
      await editByHand("auth-service");
    }

    const scattered = ["frontend", "api-gateway", "docs", "mcp-server", "auth-service"] as const;

    async function assertAllOnLegacy(): Promise<void> {
      assert.deepEqual(
        await liveSplits(),
        routedTargets.map((target) => `${target} legacy 100`),
      );
      await assertAgreed(stack, api);
    }

    it("changes nothing without the stack's name", async () => {
      await scatter();
      const before = await everything();
      for (const [args, code, says] of [
        [
          ["--confirm", "prod"],
          3,
          /--confirm: found prod, expected the stack's name, local; nothing was changed/,
        ],
        [["--yes"], 2, /found no terminal to ask at, expected --confirm local/],
        [
          ["--dry-run"],
          0,
          /mcp-server: legacy 50 \/ blue 50 -> legacy 100; legacy answers \/readyz with 200/,
        ],
        [["--to", "good/local/any"], 2, /found --to at level 3, expected it at 2/],
        [["frontend"], 2, /found frontend, expected no target: level 3 is of the whole stack/],
      ] as const) {
        const refused = await run("rollback", "--level", "3", ...args);
        assert.equal(refused.code, code, refused.stderr);
        assert.match(refused.stderr, says);
      }
      assert.match(
        await atTerminal("cutover rollback --level 3", "prod"),
        /type the stack's name:[^]*found another name, expected local; nothing was changed/,
      );
      assert.deepEqual(await everything(), before);
    });

    it("brings all that can go to legacy at once, says loudly what can't, and goes on with it later", async () => {
      const notReady = (path: string): Promise<unknown> =>
        ask(new URL(path, `http://${hostAddress}:${catalogEntry("frontend").legacyPort}`), {
          method: "POST",
        });
      let answer: CutoverResult | undefined;
      let said = "";
      await underLoad(scattered, async () => {
        await notReady("/readyz/disable");
        try {
          answer = await run("rollback", "--level", "3", "--confirm", "local", "--json");
        } finally {
          await notReady("/readyz/enable");
        }
      });
      assert.ok(answer);
      assert.equal(answer.code, 1, answer.stdout);
      const first = levelSaid(answer);
      assert.deepEqual([first.recorded, first.healthy, first.stayed], [true, true, ["frontend"]]);
      assert.match(
        first.problems.join("\n"),
        /frontend STAYS at blue 100: legacy .*\. Start legacy, then run this again\./,
      );
      assert.deepEqual((await liveSplits()).slice(0, 2), ["frontend blue 100", "api-gateway legacy 100"]);
      assert.equal(first.budgetMinutes, 60);

      await underLoad(scattered, async () => {
        said = await atTerminal("cutover rollback --level 3", "local");
      });
      assert.match(said, /frontend: blue 100 -> legacy 100; legacy answers/);
      assert.match(
        said,
        /\nAll traffic is on legacy\.\nRoutes, git and state agree\.\nlevel 3 took \d+\.\d s of its 60 min\n/,
      );
      for (const target of routedTargets) {
        const healthy = `of 60 min  ${target} is healthy: legacy answers ${catalogEntry(target).probes.readiness.path} through the gateway`;
        assert.ok(said.includes(healthy), `${healthy}\n${said}`);
      }
      const { targets, infrastructure } = parseStackFile(stack.readStackFile());
      assert.deepEqual([targets.frontend.legacy, infrastructure.owner], ["standby", "terraform"]);
      await assertAllOnLegacy();
    });

    it("is finished by cutover resume when it is killed as soon as the routes are written", async () => {
      await move("frontend", onBlue);
      await move("api-gateway", split("legacy 50 / blue 50"));
      await underLoad(["frontend", "api-gateway"], async () => {
        const killed = run("rollback", "--level", "3", "--confirm", "local");
        await routeIsBack("api-gateway");
        const pid = findCutover(stack.stackFile);
        assert.ok(pid !== undefined && kill(pid), "it was over before the kill");
        assert.equal((await killed).code, null);
        assert.match(await resume(stack), /file, state and cluster agree/);
      });
      await assertAllOnLegacy();
    });

    it("is finished by cutover resume when level 2 is killed as soon as it has committed", async () => {
      const to = await newestTag();
      await passed("advance", "frontend", "--weight", "100", "--yes");
      const killed = run("rollback", "--level", "2", "--to", to, "--yes");
      await headMoves();
      const pid = findCutover(stack.stackFile);
      assert.ok(pid !== undefined && kill(pid), "it was over before the kill");
      await killed;
      assert.match(await resume(stack), /file, state and cluster agree/);
      await assertAllOnLegacy();
    });

    async function routeIsBack(target: RoutedTargetName): Promise<void> {
      await seen(async () => {
        const live = await readLiveRoute(api, namespace, target);
        return holds(live, ALL_LEGACY) ? true : undefined;
      }, new AbortController().signal);
    }

    async function headMoves(): Promise<void> {
      const head = headOf(stack);
      await seen(() => (headOf(stack) === head ? undefined : true), new AbortController().signal);
    }
  });

  // A suite of its own: it looks back at all the others.
  describe("the runbooks", () => {
    it("have every command typed", async () => {
      await passed("status");
      await passed("advance", "frontend", "--yes");
      await passed("rollback", "frontend");
      for (const page of ["roll-back-one", "roll-back-all", "stuck-update", "lost-lock"]) {
        const text = fs.readFileSync(path.join(checkoutDir, "docs", `${page}.md`), "utf8");
        const commands = [...text.matchAll(/^ *\$ (.*)$/gm)].map(([, command]) => command ?? "");
        assert.ok(commands.length > 0, page);
        assert.deepEqual(
          commands.filter((command) => !typed.has(command)),
          [],
          page,
        );
      }
    });
  });

  /** Writes a route as the fast road does, and records nothing. */
  async function move(target: RoutedTargetName, to: Split): Promise<void> {
    const config = parseStackFile(stack.readStackFile());
    const live = await readLiveRoute(api, namespace, target);
    await writeRoute(api, target, routeFor(config, target, live, to, new Date()));
  }

  async function commitFiles(message: string, files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(stack.repository, name);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, text);
    }
    await stack.git("add", "--all");
    await stack.git("commit", "--quiet", "--message", message);
  }
});

const levelSchema = z.object({
  recorded: z.boolean(),
  healthy: z.boolean(),
  stayed: z.array(z.string()),
  budgetMinutes: z.number(),
  problems: z.array(z.string()),
});

function levelSaid({ stdout }: CutoverResult): z.infer<typeof levelSchema> {
  return levelSchema.parse(JSON.parse(stdout));
}

function lockfile(version: string): string {
  return `{"name": "pins", "version": "${version}", "lockfileVersion": 3, "packages": {"": {"name": "pins", "version": "${version}"}}}\n`;
}

async function firstWhere(tags: readonly string[], is: (tag: string) => Promise<boolean>): Promise<string> {
  for (const tag of tags) if (await is(tag)) return tag;
  throw new Error("found no such good state");
}

/** As `kubectl edit` would. */
async function editByHand(target: RoutedTargetName): Promise<void> {
  const { spec } = z
    .object({ spec: z.object({ rules: z.array(z.unknown()) }) })
    .parse(
      JSON.parse(await kubectl(await tools(), ["-n", namespace, "get", "httproute", target, "-o", "json"])),
    );
  const patch = [90, 10].map((value, index) => ({
    op: "replace",
    path: `/spec/rules/${spec.rules.length - 1}/backendRefs/${index}/weight`,
    value,
  }));
  await kubectl(await tools(), [
    ...["-n", namespace, "patch", "httproute", target, "--type=json", "--field-manager=kubectl-edit"],
    ...["-p", JSON.stringify(patch)],
  ]);
}

/** In a pseudo-terminal, in the checkout. @returns all that is shown */
async function typeAtTerminal(command: string, answer: string): Promise<string> {
  const env = { ...process.env, ...localEnvironment(await tools()), TERM: "dumb" };
  const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    cwd: checkoutDir,
    env,
    stdio: ["pipe", "pipe", "inherit"],
  });
  let shown = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    shown += text.replaceAll("\r", "");
    if (/(\[y\/N\]|type the stack's name:) $/.test(shown)) child.stdin.write(`${answer}\n`);
  });
  await once(child, "close");
  return shown;
}

/** As of an update that runs: this process is its owner. @returns gives it back */
function holdLock(hostname = os.hostname()): () => void {
  const folder = path.join(pulumiStateDir, ".pulumi", "locks", "organization", projectName, stackName);
  const file = path.join(folder, "somebody.json");
  fs.mkdirSync(folder, { recursive: true });
  const owner = { pid: process.pid, username: os.userInfo().username, hostname };
  fs.writeFileSync(file, JSON.stringify({ ...owner, timestamp: new Date().toISOString() }));
  return () => fs.rmSync(file, { force: true });
}
