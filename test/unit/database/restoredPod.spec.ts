import assert from "node:assert/strict";
import { instanceLabels, instancePod } from "../../../database/clusterInstance";
import { instanceSchema, repositoryPod, restoredPod } from "../../../database/restoredPod";

describe("A pod that runs what a backup holds", () => {
  const target = "auth-service";
  const instance = "auth-service-postgresql";
  const template = instancePod(
    { target, instance, image: "localhost/postgresql:15" },
    { files: "files", admin: "admin" },
  );
  const like = instanceSchema.parse({ spec: { template } });
  const args = { instance, name: "a-shadow", namespace: "pyairtable", data: { emptyDir: {} } };
  const spec = (pod: object) => instanceSchema.parse({ spec: { template: pod } }).spec.template;

  it("is the instance's own pod, with other data, and puts nothing into its repository", () => {
    const pod = spec(restoredPod(like, args));
    const [server, ...others] = pod.spec.containers;
    assert.deepEqual(others, []);
    assert.deepEqual(server?.args, ["-c", "archive_mode=off"]);
    for (const key of ["image", "command", "env", "volumeMounts", "securityContext", "resources"] as const) {
      assert.deepEqual(server[key], template.spec.containers[0]?.[key]);
    }
    assert.deepEqual(pod.spec.initContainers, []);
    assert.deepEqual(pod.spec.volumes, [
      ...template.spec.volumes,
      { name: "data", emptyDir: {} },
      {
        name: "repository",
        persistentVolumeClaim: { claimName: "repository-auth-service-postgresql-0", readOnly: true },
      },
    ]);
  });

  it("is none of those that the instance's Service leads to", () => {
    const { labels } = restoredPod(like, args).metadata;
    assert.equal(labels["pyairtable.dev/role"], "database");
    const selector = Object.entries(instanceLabels(target, instance));
    assert(!selector.every(([key, value]) => labels[key] === value));
  });

  it("is restored before it starts, where that is wanted", () => {
    const pod = spec(restoredPod(like, { ...args, restore: ["--set=x"] }));
    const [restore, ...others] = pod.spec.initContainers;
    assert.deepEqual(others, []);
    assert.deepEqual(restore?.["command"], [
      "sh",
      "-c",
      'rm -rf "$PGBACKREST_PG1_PATH" && mkdir -m 700 "$PGBACKREST_PG1_PATH" && exec pgbackrest "$@" restore',
      "restore",
      "--set=x",
    ]);
    assert.equal(restore["restartPolicy"], undefined);
  });

  it("is no server where only the repository is asked, and can't write to that", () => {
    const made = repositoryPod(like, args);
    assert.deepEqual(made.metadata.labels, restoredPod(like, args).metadata.labels);
    const pod = spec(made);
    assert.deepEqual(pod.spec.initContainers, []);
    const [container, ...others] = pod.spec.containers;
    assert.deepEqual(others, []);
    assert.deepEqual([container?.name, container?.["command"]], ["backup", ["sleep", "3600"]]);
    assert.equal(container?.["restartPolicy"], undefined);
    assert.deepEqual(pod.spec.volumes, spec(restoredPod(like, args)).spec.volumes);
  });
});
