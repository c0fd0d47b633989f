import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type RoutedTargetName, routedTargets } from "../../catalog";
import { ask } from "../../cluster/kubeApi";
import { backendHeader, hostnameOf } from "../../cluster/names";
import { editStackFile, setTraffic } from "../../config/edit";
import { parseStackFile } from "../../config/stackFile";
import { kubectl } from "../../local/platform/cluster";
import { ALL_LEGACY, formatSplit } from "../../migration";
import { onBlue } from "../faults/transitions";
import type { Kept } from "../support/awsPlugin/account";
import { isReplacedBy } from "../support/awsPlugin/likeness";
import { dataPlaneAddress, removeNamespace, startDataPlane, stopDataPlane } from "./anotherDataPlane";
import { sendAlerts, startGuard } from "../support/guard";
import { StackHere } from "./stackHere";
import { refused, succeeded, tools } from "./world";

const target: RoutedTargetName = "frontend";

/*
 * The stack files of staging and production as they are in the checkout, except for what stackHere.ts says of this
 * place, with the real engine, CLI, Kubernetes provider, cluster and data plane. AWS is a stand-in.
 */
for (const name of ["staging", "prod"] as const) {
  describe(`the whole of ${name}, with a stand-in for AWS`, function () {
    this.timeout(240_000);
    let stack: StackHere;

    before(async () => {
      stack = await StackHere.create(name);
      await removeNamespace(stack.namespace);
      await startDataPlane(stack.namespace);
    });

    after(async () => {
      await stopDataPlane(stack.namespace);
    });

    /** Neither the program, nor what really exists, differs from what was last applied. */
    async function assertNothingToDo(): Promise<void> {
      succeeded(await stack.pulumi(["preview", "--expect-no-changes", "--refresh"]));
      stack.aws.takeCalls();
    }

    async function assertServedBy(...backends: readonly string[]): Promise<void> {
      const { domain } = parseStackFile(stack.readStackFile()).platform;
      const url = new URL(`http://${dataPlaneAddress.address}:${dataPlaneAddress.port}/`);
      const answers = await Promise.all(
        Array.from({ length: 60 }, () => ask(url, { headers: { host: hostnameOf(target, domain) } })),
      );
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
      const served = answers.map(({ headers }) => String(headers[backendHeader]));
      assert.deepEqual([...new Set(served)].sort(), [...backends].sort());
    }

    it("is previewed with the policies as all new, and nothing is touched", async () => {
      const { output } = refused(await stack.preview(), /no changes were expected/);
      assert.match(output, /✅ pyairtable@v\S+ \(local: policy\)/);
      assert.match(output, /Resources:\n +\+ \d+ to create\n/);
      assert.deepEqual(stack.aws.takeCalls(), []);
      assert.equal(await namespaces(stack.namespace), "");
    });

    it("is made by one update, after which there is nothing to do", async () => {
      succeeded(await stack.up());
      await assertServedBy("legacy");
      assert.deepEqual(await watched(stack.namespace), {
        "podmonitor.monitoring.coreos.com": ["envoy"],
        "probe.monitoring.coreos.com": routedTargets
          .flatMap((each) => [`${each}-blue`, `${each}-legacy`])
          .sort(),
        "prometheusrule.monitoring.coreos.com": [...routedTargets].sort(),
      });
      const plain = succeeded(await stack.pulumi(["preview", "--expect-no-changes"]));
      const judged = succeeded(await stack.preview());
      const resources = /(\d+) unchanged/.exec(plain.output)?.[1] ?? "no";
      console.log(
        `      ${resources} resources, preview ${plain.seconds.toFixed(1)} s, with the policies ${judged.seconds.toFixed(1)} s`,
      );
      await assertNothingToDo();
    });

    if (name === "prod") {
      it("refuses a release that staging hasn't completed, unless somebody answers for it", async () => {
        await stack.commit(`${target}: 10 % blue`, (text) => setTraffic(text, target, onBlue(10)));
        refused(
          await stack.up(),
          /staging-first[^]*expected: a digest that has had 100 % for its soak in staging/,
        );
        await assertServedBy("legacy");
        await stack.revert(1);
        await stack.commit(`${target}: without staging`, (text) =>
          editStackFile(text, ["config", `pyairtable:${target}`, "overrides"], [answeredFor]),
        );
        await stack.commit(`${target}: 10 % blue`, (text) => setTraffic(text, target, onBlue(10)));
        succeeded(await stack.up());
        await assertServedBy("legacy", "blue");
      });
    }

    // The same code for both: once is enough.
    if (name === "staging") {
      it("goes forward by commits, and back by their revert", async () => {
        for (const percent of [10, 50, 100]) {
          await stack.commit(`${target}: ${percent} % blue`, (text) =>
            setTraffic(text, target, onBlue(percent)),
          );
          succeeded(await stack.up());
          await assertServedBy(...(percent === 100 ? ["blue"] : ["legacy", "blue"]));
        }
        await stack.revert(3);
        succeeded(await stack.up());
        await assertServedBy("legacy");
        await assertNothingToDo();
      });

      it("goes forward and back by the command, which pushes what it did", async () => {
        await stack.git("push", "--quiet");
        succeeded(await stack.cutover("advance", target, "--yes"));
        await assertServedBy("legacy", "blue");
        succeeded(await stack.cutover("rollback", target));
        await assertServedBy("legacy");
        assert.equal(await splitInState(), formatSplit(ALL_LEGACY));
        await stack.git("fetch", "--quiet");
        assert.equal(await stack.git("rev-parse", "origin/main"), await stack.git("rev-parse", "HEAD"));
        assert.match(
          await stack.git("ls-remote", "--tags", "origin"),
          new RegExp(`refs/tags/good/${name}/\\d{4}-`),
        );
      });

      it("goes back by the guard, which pushes what it did on top of what others pushed", async () => {
        succeeded(await stack.cutover("advance", target, "--yes"));
        await assertServedBy("legacy", "blue");
        const other = await stack.clone();
        await other.commit("a remark", (text) => `${text}# of somebody else\n`);
        await other.git("push", "--quiet");
        const guard = await startGuard(stack, { place: stack.place, environment: stack.environment });
        try {
          while ((await ask(new URL("/readyz", guard.origin))).status !== 200) await sleep(50);
          assert.equal((await sendAlerts(guard, [{ target, backend: "blue" }])).status, 200);
          await assertServedBy("legacy");
          await guard.says(/^recorded:/);
        } finally {
          await guard.stop();
        }
        assert.match(stack.readStackFile(), /# of somebody else\n$/);
        assert.equal(await splitInState(), formatSplit(ALL_LEGACY));
        await stack.git("fetch", "--quiet");
        assert.equal(await stack.git("rev-parse", "origin/main"), await stack.git("rev-parse", "HEAD"));
        assert.equal(
          await stack.git("log", "-1", "--format=%an: %s", "origin/main"),
          `guard: ${target}: rollback to legacy 100 (ErrorsTooHigh of ${target}/blue)\n`,
        );
        await assertNothingToDo();
      });

      it("is moved once by two people who advance it at once; the other is told, and nothing is half done", async () => {
        const other = await stack.clone();
        const both = await Promise.all(
          [stack, other].map((each) => each.cutover("advance", target, "--yes")),
        );
        const [won, lost] = both.toSorted((a, b) => a.code - b.code);
        assert.ok(won && lost);
        assert.equal(won.code, 0, won.output);
        assert.equal(lost.code, 5, lost.output);
        assert.match(lost.output, /currently locked by 1 lock[^]*created by \S+ \(pid \d+\)/);
        assert.equal(await splitInState(), formatSplit(onBlue(10)));
        await stack.git("fetch", "--quiet");
        await stack.git("reset", "--quiet", "--hard", "origin/main");
        await assertServedBy("legacy", "blue");
        succeeded(await stack.cutover("rollback", target));
        await assertServedBy("legacy");
      });

      it("says once that the credentials have expired, and moves nothing", async () => {
        await stack.commit(`${target}: 10 % blue`, (text) => setTraffic(text, target, onBlue(10)));
        stack.aws.refuse("ExpiredToken");
        for (const result of [await stack.preview(), await stack.up()]) {
          refused(result, /unable to validate AWS credentials/);
          assert.equal(result.output.match(/^ {4}error: /gm)?.length, 1, result.output);
        }
        await assertServedBy("legacy");
        stack.aws.behaveWell();
        succeeded(await stack.up());
        await assertServedBy("legacy", "blue");
        await stack.revert(1);
        succeeded(await stack.up());
      });

      it("is carried out as it was when the update began, whatever is written to its file meanwhile", async () => {
        await stack.commit(`${target}: 50 % blue`, (text) => setTraffic(text, target, onBlue(50)));
        const update = stack.up();
        await stack.locked();
        await stack.commit(`${target}: 100 % blue`, (text) => setTraffic(text, target, onBlue(100)));
        succeeded(await update);
        assert.equal(await splitInState(), formatSplit(onBlue(50)));
        await assertServedBy("legacy", "blue");
        refused(await stack.preview(), /HTTPRoute frontend-traffic-route update/);
        await stack.commit(`${target}: legacy`, (text) => setTraffic(text, target, ALL_LEGACY));
        succeeded(await stack.up());
        await assertNothingToDo();
      });

      it("moves nothing with the credentials of another account", async () => {
        await stack.commit(`${target}: 10 % blue`, (text) => setTraffic(text, target, onBlue(10)));
        stack.aws.logIn("210987654321");
        for (const result of [await stack.preview(), await stack.up()]) {
          refused(
            result,
            /found credentials that are refused \(AWS account ID not allowed: 210987654321\), expected such of account \d{12}/,
          );
          assert.equal(result.output.match(/^ {4}error: /gm)?.length, 1, result.output);
        }
        await assertServedBy("legacy");
        stack.aws.behaveWell();
        await stack.revert(1);
        succeeded(await stack.up());
        await assertNothingToDo();
      });

      describe("what it has in AWS", () => {
        let resource: Kept;

        before(() => {
          const [first] = stack.aws.resources;
          assert.ok(first);
          resource = first;
        });

        it("is put back when somebody has changed it: a refresh says so, and a preview without one doesn't", async () => {
          const [property, value] = changeable(resource);
          stack.aws.drift(resource, { [property]: value });
          succeeded(await stack.preview());
          refused(await stack.preview("--refresh"), new RegExp(property));
          succeeded(await stack.up("--refresh"));
          await assertNothingToDo();
        });

        it("is missing when AWS refuses to make it: the update says what and why, and a rerun makes the rest", async () => {
          stack.aws.lose(resource);
          stack.aws.fail({ type: resource.type, operation: "create", code: "AccessDenied", done: false });
          refused(await stack.up("--refresh"), /creating .*api error AccessDenied/);
          await assertServedBy("legacy");
          stack.aws.behaveWell();
          succeeded(await stack.up());
          await assertNothingToDo();
        });
      });
    }

    async function splitInState(): Promise<string | undefined> {
      const { output } = succeeded(await stack.pulumi(["stack", "output", "targets", "--json"]));
      return z.record(z.string(), z.object({ split: z.string() })).parse(JSON.parse(output))[target]?.split;
    }
  });
}

/** There is no staging beside production here. */
const answeredFor = {
  rule: "staging-first",
  reason: "a test",
  approver: "an engineer",
  expires: new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+Z$/, "Z"),
};

async function namespaces(name: string): Promise<string> {
  return kubectl(await tools(), ["get", "namespace", name, "--ignore-not-found", "-o", "name"]);
}

/** The objects that a Prometheus operator would serve, by kind: the API server has taken each of their fields. */
async function watched(namespace: string): Promise<Readonly<Record<string, string[]>>> {
  const kinds = "podmonitors,probes,prometheusrules";
  const listed = await kubectl(await tools(), ["-n", namespace, "get", kinds, "-o", "name"]);
  const found = listed
    .trim()
    .split("\n")
    .map((line) => line.split("/"));
  const of = (kind: string): string[] =>
    found.flatMap(([each, name = ""]) => (each === kind ? [name] : [])).sort();
  return Object.fromEntries([...new Set(found.map(([kind = ""]) => kind))].map((kind) => [kind, of(kind)]));
}

/** A property that AWS doesn't know the resource by, and another value of it. */
function changeable({ inputs }: Kept): readonly [string, string | boolean] {
  for (const [property, value] of Object.entries(inputs)) {
    if (isReplacedBy(property)) continue;
    if (typeof value === "boolean") return [property, !value];
    if (typeof value === "string") return [property, `${value} (changed)`];
  }
  throw new Error(`found nothing that can be changed in ${Object.keys(inputs).join(", ")}`);
}
