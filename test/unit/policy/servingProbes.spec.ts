import assert from "node:assert/strict";
import { servingProbes } from "../../../policy/servingProbes";
import { container, deployment, given, inEveryKind, pod, said, unknown, without } from "./resources";

const blind = without(container, "readinessProbe");

describe("policy serving-probes", () => {
  it("accepts a container that has both", () => {
    assert.deepEqual(said(servingProbes, deployment()), []);
  });

  it("refuses one that serves without, and names which", () => {
    assert.deepEqual(said(servingProbes, deployment({ ...pod, containers: [blind] })), [
      "container service: found a port and no readinessProbe, expected both probes; without them a release gets traffic before it answers, and keeps it when it has stopped to",
    ]);
    const found = said(servingProbes, deployment({ ...pod, containers: [without(blind, "livenessProbe")] }));
    assert.match(found.join(), /no readinessProbe, no livenessProbe/);
  });

  it("asks it of every kind whose pods stay", () => {
    const refused = inEveryKind({ ...pod, containers: [blind] }).filter(
      (resource) => said(servingProbes, resource).length > 0,
    );
    assert.deepEqual(
      refused.map(({ type }) => type.split(":").at(-1)),
      ["Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"],
    );
  });

  it("asks nothing of what serves nobody: a queue's consumer, a container that only starts the pod", () => {
    const consumer = { ...pod, containers: [without(blind, "ports")] };
    assert.deepEqual(said(servingProbes, deployment(consumer)), []);
    assert.deepEqual(said(servingProbes, deployment({ ...pod, initContainers: [blind] })), []);
  });

  it("asks it of a sidecar", () => {
    const initContainers = [{ ...blind, name: "proxy", restartPolicy: "Always" }];
    assert.match(said(servingProbes, deployment({ ...pod, initContainers })).join(), /^init container proxy/);
  });

  it("says nothing of what isn't known yet", () => {
    for (const some of [{ ...blind, readinessProbe: unknown }, { ...blind, ports: unknown }, unknown]) {
      assert.deepEqual(said(servingProbes, deployment({ ...pod, containers: [some] })), []);
    }
  });

  it("has no business with other kinds", () => {
    assert.deepEqual(said(servingProbes, given("kubernetes:core/v1:Service", { spec: pod })), []);
  });
});
