import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { Container } from "@pulumi/docker/container";
import { Provider } from "@pulumi/docker/provider";
import { CommandError, LocalWorkspace, type Stack } from "@pulumi/pulumi/automation";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { adoptMonorepo } from "../../stack/adopt";
import { type RoutedTargetName, catalogEntry } from "../../catalog";
import { editStackFile } from "../../config/edit";
import type { StackConfig } from "../../config/parse";
import { parseStackFile } from "../../config/stackFile";
import { ask } from "../../cluster/kubeApi";
import { checkoutDir } from "../../local/paths";
import { hostAddress } from "../../local/platform/network";
import { ALL_LEGACY, BACKENDS, toAnnotations } from "../../migration";
import { ensureStarted } from "../../monorepo/startAll";
import { onBlue, recordOf } from "../unit/components/fixtures";
import { startHttpStub } from "../unit/support/httpStub";
import { kubeconfig, setEnvironment } from "../unit/support/kubeconfig";
import { ComposeHost, type Inspected, composeProject } from "../support/composeHost";
import { installDockerPlugin } from "../support/dockerPlugin";
import { tools } from "./world";

const localFile = fs.readFileSync(path.join(checkoutDir, "Pulumi.local.yaml"), "utf8");

/** A real Docker daemon, reached by a real ssh, and the real plugin; the compose project is one in name and labels. */
describe("the monorepo's containers", () => {
  let host: ComposeHost;
  let folder: string;
  let plugin: string | undefined;
  const restore: (() => void)[] = [];
  let address: string;

  before(async () => {
    address = ownAddress();
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "monorepo-"));
    const box = await tools();
    plugin = await installDockerPlugin(box, path.join(folder, "home"));
    host = await ComposeHost.start(box);
    fs.mkdirSync(path.join(folder, "state"));
    for (const [name, value] of Object.entries({
      PATH: `${path.dirname(box.path("pulumi"))}:${process.env["PATH"] ?? ""}`,
      PULUMI_HOME: path.join(folder, "home"),
      PULUMI_BACKEND_URL: `file://${path.join(folder, "state")}?metadata=skip`,
      PULUMI_CONFIG_PASSPHRASE: "trial",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      SSH_AUTH_SOCK: host.agentSocket,
    })) {
      restore.push(setEnvironment(name, value));
    }
    for (const target of ["frontend", "docs"] as const) await compose(target);
  });

  after(async () => {
    for (const undo of restore) undo();
    await host.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  describe("adopted", () => {
    let stack: Stack;
    let config: StackConfig;
    let bringsBack = false;

    before(async function () {
      if (plugin !== undefined) {
        process.stdout.write(`      skipped: ${plugin}\n`);
        this.skip();
      }
      config = parseStackFile(stackFile());
      stack = await LocalWorkspace.createOrSelectStack({
        projectName: "adoption",
        stackName: "trial",
        program: () => adoptMonorepo(config, bringsBack),
      });
    });

    beforeEach(() => {
      config = parseStackFile(stackFile());
      bringsBack = false;
    });

    it("are neither touched nor restarted, lose no request, and leave nothing to do; what is missing is named", async () => {
      const before = await both();
      const stopLoad = startLoad(`http://${address}:${catalogEntry("frontend").legacyPort}/`);
      const { summary } = await stack.up();
      const { requests, failures } = await stopLoad();
      assert.deepEqual(failures, []);
      assert.ok(requests > 100, `${requests} requests`);
      assert.deepEqual(summary.resourceChanges, { create: 3 });
      assert.deepEqual(await both(), before);
      assert.deepEqual(await adopted(stack), {
        "monorepo-frontend": before.frontend.id,
        "monorepo-docs": before.docs.id,
      });
      const { stdout } = await stack.preview({ expectNoChanges: true });
      assert.match(
        stdout,
        /found no container pyairtable-api-gateway-1 \(api-gateway\), .*in the compose project pyairtable/,
      );
    });

    it("are adopted anew when compose has made them anew, and nothing fails or is replaced", async () => {
      await host.docker("rm", "--force", "pyairtable-docs-1");
      await compose("docs");
      const before = await both();
      await stack.preview({ expectNoChanges: true });
      await stack.up({ expectNoChanges: true });
      assert.equal((await adopted(stack))["monorepo-docs"], before.docs.id);
      assert.deepEqual(await both(), before);
    });

    it("stay stopped, and there, when one is stopped and the stack is refreshed", async () => {
      await host.docker("stop", "--time", "1", "pyairtable-docs-1");
      await stack.refresh();
      await stack.up({ expectNoChanges: true });
      assert.equal((await host.inspect("pyairtable-docs-1")).status, "exited");
      await host.docker("start", "pyairtable-docs-1");
    });

    it("would have been replaced by the option import, which is why they are read", async () => {
      const { id } = await host.inspect("pyairtable-docs-1");
      const everything = [
        "*",
        "envs",
        "attach",
        "logs",
        "wait",
        "mustRun",
        "start",
        "networkMode",
        "restart",
      ];
      const managed = await LocalWorkspace.createOrSelectStack({
        projectName: "adoption",
        stackName: "managed",
        program: () => {
          const provider = new Provider("daemon", { host: `unix://${host.socket}` }, { version: "5.1.0" });
          new Container(
            "docs",
            { name: "pyairtable-docs-1", image: "pyairtable/podinfo:1" },
            { provider, import: id, protect: true, retainOnDelete: true, ignoreChanges: everything },
          );
          return Promise.resolve();
        },
      });
      await assert.rejects(
        managed.preview(),
        (error) => error instanceof CommandError && /unable to replace resource/.test(error.message),
      );
    });

    it("stop a change with one message, and nothing else, when the host shows another key", async () => {
      config = parseStackFile(
        stackFile({
          hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGC1Yp0Kz9oo0Xp0m0w4x1J0bmVmLy5k8v5b2o0Jb0aA",
        }),
      );
      const before = await adopted(stack);
      await assert.rejects(stack.up(), (error) => {
        assert.ok(error instanceof CommandError);
        assert.match(
          error.message,
          new RegExp(
            `daemon ${host.address} can't be reached: Host key verification failed.; nothing was changed`,
          ),
        );
        return true;
      });
      assert.deepEqual(await adopted(stack), before);
    });

    it("don't hold up a way back when the daemon can't be reached", async () => {
      config = parseStackFile(stackFile({ host: "ssh://root@127.0.0.1:1" }));
      bringsBack = true;
      const { stdout } = await stack.preview();
      assert.match(
        stdout,
        /A way back goes first; the monorepo's containers are left out: .*Connection refused/,
      );
    });

    it("go on running when the program lets go of them, and when the stack is destroyed", async () => {
      const before = await both();
      config = parseStackFile(localFile);
      await stack.up();
      assert.deepEqual(await adopted(stack), {});
      config = parseStackFile(stackFile());
      await stack.up();
      await stack.destroy();
      assert.deepEqual(await both(), before);
    });
  });

  describe("by command", () => {
    it("are looked at", async () => {
      const { code, stdout } = await cutover(["status", "frontend", "docs", "automation"]);
      assert.equal(code, 0);
      assert.match(stdout, /^frontend +running +pyairtable-frontend-1$/m);
      assert.match(stdout, /^automation +missing +pyairtable-automation-1: .*ECONNREFUSED/m);
    });

    it("are not stopped while legacy is the way back", async () => {
      const { code, stderr } = await cutover(["stop", "docs", "--yes"]);
      assert.equal(code, 3);
      assert.match(stderr, /pyairtable:docs\.legacy: found standby, expected retired: it is the way back/);
      assert.equal((await host.inspect("pyairtable-docs-1")).status, "running");
    });

    it("are stopped when file and route say that legacy is retired, and only then asked about", async () => {
      const said = await cutover(["stop", "docs", "--dry-run"], { retired: true });
      assert.equal(said.stdout, "Would stop pyairtable-docs-1. Nothing was changed.\n");
      const unasked = await cutover(["stop", "docs"], { retired: true });
      assert.equal(unasked.code, 2);
      assert.match(unasked.stderr, /found no terminal to ask at, expected --yes/);
      assert.equal((await host.inspect("pyairtable-docs-1")).status, "running");

      const stopped = await cutover(["stop", "docs", "--yes"], { retired: true });
      assert.equal(stopped.code, 0, stopped.stderr);
      assert.equal(stopped.stdout, "1 stopped. Undo it with: cutover legacy start docs\n");
      assert.equal((await host.inspect("pyairtable-docs-1")).status, "exited");
    });

    it("are started, as the same containers, and waited for; what runs is left alone", async () => {
      const before = await both();
      const said = await cutover(["start", "frontend", "docs", "--dry-run"]);
      assert.equal(said.stdout, "Would start pyairtable-docs-1. Nothing was changed.\n");
      const { code, stdout, stderr } = await cutover(["start", "frontend", "docs"]);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /docs: pyairtable-docs-1 started, answers after \d/);
      assert.match(stderr, /frontend: pyairtable-frontend-1 was running, and answers/);
      assert.equal(stdout, "2 of 2 answer, of 30 s that they have.\n");
      const after = await both();
      assert.deepEqual(after.frontend, before.frontend);
      assert.equal(after.docs.id, before.docs.id);
      assert.equal(after.docs.status, "running");
    });

    it("that are missing fail by name, and the others are started all the same", async () => {
      await host.docker("stop", "--time", "1", "pyairtable-docs-1");
      const said = await cutover(["start", "--dry-run", "automation", "docs"]);
      assert.match(said.stderr, /automation: found no container pyairtable-automation-1\n/);
      assert.equal(said.stdout, "Would start pyairtable-docs-1. Nothing was changed.\n");
      const { code, stdout } = await cutover(["start", "--json", "automation", "docs"]);
      assert.equal(code, 1);
      const { targets } = JSON.parse(stdout) as { targets: { outcome: string; problem?: string }[] };
      assert.deepEqual(
        targets.map(({ outcome, problem }) => problem ?? outcome),
        ["found no container pyairtable-automation-1 in the compose project pyairtable", "started"],
      );
    });

    it("are started by the update that brings traffic back, which asks no daemon when they serve", async () => {
      const { monorepo, platform } = parseStackFile(stackFile());
      assert.ok(monorepo);
      await host.docker("stop", "--time", "1", "pyairtable-docs-1");
      await ensureStarted("docs", monorepo, platform);
      assert.equal((await host.inspect("pyairtable-docs-1")).status, "running");
      const unreachable = { ...monorepo, daemon: { kind: "unix", socket: "/nowhere.sock" } } as const;
      await ensureStarted("docs", unreachable, platform);
      await assert.rejects(
        ensureStarted("automation", monorepo, platform),
        /pyairtable:automation: the monorepo's container can't be started: found no container/,
      );
    });

    it("can't be reached without a key in the agent: one message, exit code 1", async () => {
      const { code, stderr } = await cutover(["status"], { agent: "/nowhere" });
      assert.equal(code, 1);
      assert.equal(
        stderr,
        `the monorepo's daemon ${host.address} can't be reached: root@127.0.0.1: Permission denied (publickey).\n`,
      );
    });
  });

  /** As compose would make the container of a target. */
  function compose(target: RoutedTargetName): Promise<void> {
    const listen = { host: address, port: catalogEntry(target).legacyPort };
    return host.runContainer(`${composeProject}-${target}-1`, target, listen);
  }

  async function both(): Promise<Record<"frontend" | "docs", Inspected>> {
    return {
      frontend: await host.inspect("pyairtable-frontend-1"),
      docs: await host.inspect("pyairtable-docs-1"),
    };
  }

  /** The local stack's file on this host. */
  function stackFile(monorepo: object = {}, legacy: object = {}): string {
    const wanted = { host: host.address, hostKey: host.hostKey, project: composeProject, ...monorepo };
    const withHost = editStackFile(localFile, ["config", "pyairtable:platform", "legacyHost"], address);
    const document = parse(withHost) as { config: Record<string, object> };
    document.config["pyairtable:monorepo"] = wanted;
    document.config["pyairtable:docs"] = { ...document.config["pyairtable:docs"], ...legacy };
    return stringify(document);
  }

  interface CommandOptions {
    /** File and live route say that legacy of docs is retired. */
    readonly retired?: boolean;
    /** @default the agent that has the key */
    readonly agent?: string;
  }

  /** Runs `cutover legacy` as a user would, against a stub in place of the cluster. */
  async function cutover(
    args: readonly string[],
    { retired = false, agent = host.agentSocket }: CommandOptions = {},
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const extracted = { traffic: onBlue, legacy: "retired" };
    const configFile = path.join(folder, "Pulumi.trial.yaml");
    fs.writeFileSync(configFile, stackFile({}, retired ? extracted : {}));
    const cluster = await startHttpStub(() => ({ body: { items: [routeOfDocs(retired)] } }));
    const kubeconfigFile = path.join(folder, "kubeconfig");
    fs.writeFileSync(kubeconfigFile, stringify(kubeconfig(cluster.origin)));
    try {
      const child = spawn(
        path.join(checkoutDir, "cutover", "bin", "cutover"),
        ["legacy", ...args, "--stack", "trial", "--config-file", configFile],
        {
          cwd: checkoutDir,
          env: { ...process.env, KUBECONFIG: kubeconfigFile, SSH_AUTH_SOCK: agent },
          stdio: ["ignore", "pipe", "pipe"],
        },
      );
      const [stdout, stderr] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, "close"),
      ]);
      return { code: child.exitCode, stdout, stderr };
    } finally {
      await cluster.close();
    }
  }
});

function routeOfDocs(retired: boolean): object {
  const record = retired ? recordOf("docs", onBlue, { legacy: "retired" }) : recordOf("docs", ALL_LEGACY);
  return {
    metadata: { name: "docs", annotations: toAnnotations(record) },
    spec: {
      rules: [
        { backendRefs: BACKENDS.map((each) => ({ name: `docs-${each}`, weight: record.split[each] })) },
      ],
    },
  };
}

/** The adopted containers' ids by the name of the resource, as the state has them. */
async function adopted(stack: Stack): Promise<Record<string, string>> {
  const { resources = [] } = stateSchema.parse((await stack.exportStack()).deployment);
  return Object.fromEntries(
    resources.flatMap(({ type, urn, id, external }) =>
      type === "docker:index/container:Container" && external
        ? [[urn.split("::").at(-1) ?? "", id ?? ""]]
        : [],
    ),
  );
}

const stateSchema = z.object({
  resources: z
    .array(
      z.object({
        type: z.string(),
        urn: z.string(),
        id: z.string().optional(),
        external: z.boolean().default(false),
      }),
    )
    .optional(),
});

/** A hundred requests a second, each on a connection of its own. @returns how to end it, and what became of them */
function startLoad(url: string): () => Promise<{ requests: number; failures: string[] }> {
  const answers: Promise<string | undefined>[] = [];
  const timer = setInterval(() => {
    answers.push(
      ask(new URL(url), { timeoutSeconds: 5 }).then(
        ({ status }) => (status === 200 ? undefined : String(status)),
        (error: unknown) => String(error),
      ),
    );
  }, 10);
  return async () => {
    clearInterval(timer);
    const all = await Promise.all(answers);
    return { requests: all.length, failures: all.filter((each) => each !== undefined) };
  };
}

/** An address of this machine other than loopback and the local platform's, whose own legacy has the same ports. */
function ownAddress(): string {
  const addresses = Object.values(os.networkInterfaces()).flatMap((each) => each ?? []);
  const found = addresses.find(
    ({ family, internal, address }) => family === "IPv4" && !internal && address !== hostAddress,
  );
  assert.ok(found, "this machine has no IPv4 address besides loopback and the local platform's");
  return found.address;
}
