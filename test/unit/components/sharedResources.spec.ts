import assert from "node:assert/strict";
import { SharedResources } from "../../../components";
import { record } from "../support/recording";

describe("SharedResources", () => {
  it("are none of the program's business while Terraform owns them", async () => {
    const made = await record(() => new SharedResources("infrastructure", { owner: "terraform" }));
    assert.deepEqual(made.names(), ["infrastructure"]);
  });

  it("are adopted so that letting go deletes nothing", async () => {
    const made = await record(() => new SharedResources("infrastructure", { owner: "pulumi" }));
    assert.deepEqual(made.named("infrastructure-priority-class"), {
      type: "kubernetes:scheduling.k8s.io/v1:PriorityClass",
      name: "infrastructure-priority-class",
      parent: "infrastructure",
      dependencies: [],
      retainOnDelete: true,
      inputs: {
        apiVersion: "scheduling.k8s.io/v1",
        kind: "PriorityClass",
        metadata: { name: "pyairtable-service", labels: { "app.kubernetes.io/part-of": "pyairtable" } },
        value: 1000,
        globalDefault: false,
        description: "PyAirtable's services: above batch work, below the cluster's own parts",
      },
    });
    assert.equal(made.resources.length, 2);
  });
});
