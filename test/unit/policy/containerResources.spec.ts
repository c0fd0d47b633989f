import assert from "node:assert/strict";
import { containerResources } from "../../../policy/containerResources";
import { container, deployment, given, inEveryKind, pod, said, unknown, without } from "./resources";

function ofResources(resources: unknown): string[] {
  return said(containerResources, deployment({ ...pod, containers: [{ ...container, resources }] }));
}

describe("policy container-resources", () => {
  it("accepts a container that says all four", () => {
    assert.deepEqual(said(containerResources, deployment()), []);
  });

  it("refuses one that leaves some out, and names them", () => {
    assert.deepEqual(ofResources({ requests: { cpu: "10m" }, limits: { cpu: "1", memory: "1Gi" } }), [
      "container service: found no requests.memory, expected requests and limits of cpu and memory; give them under `resources`, as catalog/defaults.ts does",
    ]);
  });

  it("refuses one that says nothing", () => {
    const found = said(
      containerResources,
      deployment({ ...pod, containers: [without(container, "resources")] }),
    );
    assert.match(found.join(), /no requests.cpu, no requests.memory, no limits.cpu, no limits.memory/);
  });

  it("asks the same of init containers, and in every kind that carries a pod", () => {
    for (const resource of inEveryKind({ ...pod, initContainers: [{ name: "migrate" }] })) {
      assert.match(said(containerResources, resource).join(), /^init container migrate/, resource.type);
    }
  });

  it("says nothing of what isn't known yet", () => {
    assert.deepEqual(ofResources(unknown), []);
    assert.deepEqual(ofResources({ requests: unknown, limits: { cpu: unknown, memory: "1Gi" } }), []);
  });

  it("has no business with other kinds", () => {
    assert.deepEqual(said(containerResources, given("kubernetes:core/v1:Service", { spec: {} })), []);
  });
});
