import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { routedTargets } from "../../catalog";
import { bringUp } from "../../local/bringUp";
import { stackName } from "../../local/environment";
import { checkoutDir, runDir, stateDir } from "../../local/paths";
import { kubectl, kubectlApply } from "../../local/platform/cluster";
import { pauseImage } from "../../local/platform/images";
import { cgroupRoot } from "../../local/platform/node";
import { bridge, podCidr, serviceCidr } from "../../local/platform/network";
import ports from "../../local/ports.json";
import { runningParts, stopParts } from "../../local/platform/processes";
import { ask } from "../../cluster/kubeApi";
import { acquireTools } from "../../tools/acquire";
import { findListeners } from "../../tools/listeners.js";

const parts = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kubelet",
  "kube-proxy",
  "containerd",
  "contour",
  "envoy",
  "internal-gateway",
  "redis",
  "legacy-frontend",
  "prometheus",
  "alertmanager",
  "blackbox-exporter",
  "monitoring-sync",
  "dns",
  "local-path-provisioner",
];

describe("the local Prometheus", () => {
  it("gets an answer from all that it asks, but for the guard, which nobody has started", async () => {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const silent = (await scraped()).filter(({ health }) => health !== "up");
      if (silent.every(({ labels }) => labels["job"] === "guard")) return;
      assert.ok(Date.now() < deadline, JSON.stringify(silent));
      await sleep(200);
    }
  });

  it("probes every backend that runs", async () => {
    const probed = (await scraped())
      .filter(({ labels }) => labels["job"] === "probes")
      .map(({ labels }) => `${labels["target"] ?? ""}/${labels["backend"] ?? ""}`);
    for (const target of routedTargets) assert.ok(probed.includes(`${target}/legacy`), probed.join(" "));
  });

  it("listens on the loopback address alone, as all that monitors", () => {
    for (const port of [
      ports.prometheus,
      ports.alertmanager,
      ports.blackboxExporter,
      ports.monitoringSync,
      ports.internalGatewayStats,
    ]) {
      const addresses = findListeners()
        .filter((listener) => listener.port === port)
        .map(({ address }) => address);
      assert.deepEqual(addresses, ["127.0.0.1"], String(port));
    }
  });
});

describe("the local gateway", () => {
  it("closes no connection for being idle: one that is used again at that moment would be a lost request", async () => {
    const listeners = new URL(`http://127.0.0.1:${ports.envoyAdmin}/config_dump?resource=dynamic_listeners`);
    const { body } = await ask(listeners);
    const found = [...body.matchAll(/"idle_timeout": "(.*?)"/g)].map(([, timeout]) => timeout);
    assert.deepEqual(found, ["0s"]);
  });
});

describe("a pod that claims a volume", () => {
  const claim = "platform-test";
  const volumes = `${stateDir}/volumes`;
  const folders = (): string[] =>
    fs.existsSync(volumes) ? fs.readdirSync(volumes).filter((name) => name.endsWith(`_${claim}`)) : [];

  it("gets a folder of this machine, and finds Services by name; the folder goes with the claim", async () => {
    const tools = await acquireTools(["kubernetes"]);
    await kubectlApply(
      tools,
      `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: ${claim} }
spec:
  storageClassName: local-path
  accessModes: [ReadWriteOnce]
  resources: { requests: { storage: 1Mi } }
---
apiVersion: v1
kind: Pod
metadata: { name: ${claim} }
spec:
  restartPolicy: Never
  containers:
    - name: asks
      image: ${pauseImage}
      imagePullPolicy: Never
      command: [/bin/sh, -c, nslookup kubernetes.default.svc.cluster.local > /data/answer]
      volumeMounts: [{ name: data, mountPath: /data }]
  volumes:
    - { name: data, persistentVolumeClaim: { claimName: ${claim} } }
`,
    );
    const succeeded = "--for=jsonpath={.status.phase}=Succeeded";
    await kubectl(tools, ["wait", succeeded, `pod/${claim}`, "--timeout=60s"]);
    const [folder = ""] = folders();
    assert.match(fs.readFileSync(`${volumes}/${folder}/answer`, "utf8"), /198\.19\.0\.1/);
    await kubectl(tools, ["delete", `pod/${claim}`, `pvc/${claim}`]);
    const deadline = Date.now() + 30_000;
    while (folders().length > 0) {
      assert.ok(Date.now() < deadline, folders().join(" "));
      await sleep(200);
    }
  });
});

describe("npm start on a platform that lost a part", () => {
  for (const name of parts) {
    it(`heals after a kill -9 of ${name}`, async () => {
      const killed = runningParts().filter((part) => part.name === name);
      assert.notEqual(killed.length, 0);
      for (const { pid } of killed) process.kill(pid, "SIGKILL");
      await bringUp(await acquireTools());
      const after = runningParts().filter((part) => part.name === name);
      assert.ok(after.length > 0 && after.every(({ pid }) => !killed.some((each) => each.pid === pid)));
      await serves();
    });
  }

  it("heals after everything was killed at once", async () => {
    for (const { pid } of runningParts()) process.kill(pid, "SIGKILL");
    await bringUp(await acquireTools());
    await serves();
  });

  it("replaces a part that no longer answers", async () => {
    const contour = runningParts().find(({ name }) => name === "contour");
    assert.ok(contour);
    process.kill(contour.pid, "SIGSTOP");
    await bringUp(await acquireTools());
    assert.ok(!runningParts().some(({ pid }) => pid === contour.pid));
    await serves();
  });

  it("starts anew after a reboot, which leaves the files and none of the processes", async () => {
    await stopParts(["kubelet"]);
    await stopParts(runningParts().map(({ name }) => name));
    fs.writeFileSync(`${stateDir}/boot-id`, "another boot\n");
    await bringUp(await acquireTools());
    const legacy = await ask(new URL("http://198.18.0.1:9101/"));
    assert.match(legacy.body, /"message": "frontend\/legacy"/);
  });
});

describe("npm stop", () => {
  before(() => npm("stop"));

  it("leaves no process", () => assert.deepEqual(runningParts(), []));

  it("leaves no pod's process", () => {
    const cgroups = fs.readdirSync("/sys/fs/cgroup").flatMap((controller) => {
      const dir = `/sys/fs/cgroup/${controller}${cgroupRoot}`;
      return fs.existsSync(dir) ? [dir] : [];
    });
    assert.deepEqual(cgroups, []);
  });

  it("leaves no mount", () => {
    const mounts = fs.readFileSync("/proc/mounts", "utf8");
    assert.ok(!mounts.includes(stateDir) && !mounts.includes(runDir), mounts);
  });

  it("leaves no network interface and no route", () => {
    assert.doesNotMatch(execFileSync("ip", ["link"], { encoding: "utf8" }), new RegExp(`${bridge}|veth`));
    const routes = execFileSync("ip", ["route"], { encoding: "utf8" });
    assert.ok(!routes.includes(podCidr) && !routes.includes(serviceCidr), routes);
  });

  it("leaves no iptables rule", () => {
    for (const family of ["iptables-save", "ip6tables-save"]) {
      const rules = execFileSync(family, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
      assert.doesNotMatch(rules, /KUBE-|198\.1[89]\./);
    }
  });

  it("leaves no file", () => {
    for (const dir of [stateDir, runDir, "/var/lib/kubelet", "/var/log/containers"])
      assert.ok(!fs.existsSync(dir), dir);
  });

  it("can be repeated", () => npm("stop"));
});

const targetsSchema = z.object({
  data: z.object({
    activeTargets: z.array(
      z.object({ health: z.string(), lastError: z.string(), labels: z.record(z.string(), z.string()) }),
    ),
  }),
});

async function scraped(): Promise<z.infer<typeof targetsSchema>["data"]["activeTargets"]> {
  const { body } = await ask(new URL(`http://127.0.0.1:${ports.prometheus}/api/v1/targets?state=active`));
  return targetsSchema.parse(JSON.parse(body)).data.activeTargets;
}

async function serves(): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const answer = await ask(new URL("http://127.0.0.1:8080/"), {
      headers: { host: `frontend.localhost` },
    }).catch(() => undefined);
    if (answer?.status === 200 && answer.body.includes(`"message": "frontend/`)) return;
    assert.ok(Date.now() < deadline, `no answer from the frontend of the stack ${stackName}`);
    await sleep(200);
  }
}

function npm(script: string): void {
  execFileSync("npm", ["run", "--silent", script], {
    cwd: checkoutDir,
    stdio: ["ignore", "ignore", "inherit"],
  });
}
