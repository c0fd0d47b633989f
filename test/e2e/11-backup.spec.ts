import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { RepositoryBackup } from "../../components/repositoryBackup";
import { outDir } from "../../local/paths";
import { kubectl } from "../../local/platform/cluster";
import type { Toolbox } from "../../tools/acquire";
import { type Registered, record } from "../unit/support/recording";
import { tools } from "./world";

const namespace = "backup-admission";

/** What the component asks for, as plain manifests. */
async function manifests(): Promise<readonly Registered[]> {
  const { resources, failures } = await record(
    () =>
      new RepositoryBackup("backup", {
        namespace,
        schedule: "30 1 * * *",
        image: `registry.example/backup@sha256:${"a".repeat(64)}`,
        script: fs.readFileSync(path.join(__dirname, "../../backup/backup.sh"), "utf8"),
        gitBaseUrl: "https://git.example/pyairtable",
        repositories: ["pyairtable-docs"],
        compose: { repository: "pyairtable-monorepo", path: "docker-compose.yml" },
        gitToken: "token",
        store: { bucket: "backups", roleArn: "arn:aws:iam::1:role/backup", region: "eu-central-1" },
      }),
  );
  assert.deepEqual(failures, []);
  return resources.filter(({ type }) => type.startsWith("kubernetes:"));
}

interface PodTemplate {
  readonly spec: { readonly securityContext: object };
}

function podTemplateOf(cronJob: Registered | undefined): PodTemplate {
  const { spec } = (cronJob?.inputs ?? {}) as {
    spec: { jobTemplate: { spec: { template: PodTemplate } } };
  };
  return spec.jobTemplate.spec.template;
}

describe("the backup's objects on a real API server, in a namespace for restricted pods", function () {
  this.timeout(120_000);
  let toolbox: Toolbox;
  let objects: readonly Registered[];

  before(async () => {
    toolbox = await tools();
    objects = await manifests();
    await kubectl(toolbox, ["create", "namespace", namespace]);
    const enforced = ["enforce", "warn"].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);
    await kubectl(toolbox, ["label", "namespace", namespace, ...enforced]);
    // A pod isn't admitted before its ServiceAccount exists.
    await kubectl(toolbox, ["-n", namespace, "create", "serviceaccount", "repository-backup"]);
  });
  after(() => kubectl(toolbox, ["delete", "namespace", namespace]));

  const dryRun = (name: string, object: unknown): Promise<string> => {
    const file = path.join(outDir, "e2e", `${name}.json`);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, JSON.stringify(object));
    return kubectl(toolbox, [
      ...["-n", namespace, "apply", "--server-side", "--dry-run=server", "--validate=strict"],
      ...["--force-conflicts", "--filename", file],
    ]);
  };
  const pod = (changes: object = {}): object => {
    const { spec } = podTemplateOf(objects.find(({ type }) => type.endsWith(":CronJob")));
    return {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "backup", namespace },
      spec: { ...spec, ...changes },
    };
  };

  it("are all taken as they are", async () => {
    assert.equal(objects.length, 5);
    for (const { name, inputs } of objects) {
      const plain = "stringData" in inputs ? { ...inputs, stringData: { token: "token" } } : inputs;
      assert.match(await dryRun(name, plain), /serverside-applied \(server dry run\)/);
    }
  });

  it("make a pod that is admitted", async () => {
    assert.match(await dryRun("backup-pod", pod()), /^pod\/backup serverside-applied/);
  });

  it("would make one that isn't, without what restricts it", async () => {
    await assert.rejects(
      dryRun("backup-unrestricted-pod", pod({ securityContext: {} })),
      /violates PodSecurity "restricted:latest": runAsNonRoot != true/,
    );
  });
});
