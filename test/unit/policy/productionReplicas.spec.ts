import assert from "node:assert/strict";
import { productionReplicas } from "../../../policy/productionReplicas";
import { deployment, given, pod, said, scaler, unknown } from "./resources";

const consumer = { "pyairtable.dev/role": "consumer" };

describe("policy production-replicas", () => {
  it("refuses a Deployment of one replica", () => {
    assert.deepEqual(said(productionReplicas, deployment(pod, { spec: { replicas: 1 } })), [
      "found replicas: 1, expected 2 or more in production; raise `capacity` in the stack file",
    ]);
  });

  it("accepts two, and one that leaves them to its scaler", () => {
    assert.deepEqual(said(productionReplicas, deployment()), []);
    assert.deepEqual(said(productionReplicas, deployment(pod, { spec: { replicas: undefined } })), []);
  });

  it("accepts the one consumer of a queue, running or stopped", () => {
    for (const replicas of [0, 1]) {
      assert.deepEqual(
        said(productionReplicas, deployment(pod, { spec: { replicas }, podLabels: consumer })),
        [],
      );
    }
  });

  it("refuses a scaler that goes below two", () => {
    assert.match(
      said(productionReplicas, scaler({ minReplicas: 1 })).join(),
      /^found minReplicas: 1, expected 2/,
    );
    assert.match(
      said(productionReplicas, scaler({})).join(),
      /^found no minReplicas, which means 1, expected 2/,
    );
    assert.deepEqual(said(productionReplicas, scaler({ minReplicas: 2 })), []);
  });

  it("asks it of production only", () => {
    for (const environment of ["local", "staging"] as const) {
      assert.deepEqual(said(productionReplicas, deployment(pod, { environment, spec: { replicas: 1 } })), []);
      assert.deepEqual(said(productionReplicas, scaler({ minReplicas: 1 }, { environment })), []);
    }
  });

  it("says nothing of what isn't known yet", () => {
    assert.deepEqual(said(productionReplicas, deployment(pod, { spec: { replicas: unknown } })), []);
    assert.deepEqual(
      said(productionReplicas, deployment(pod, { spec: { replicas: 1 }, podLabels: unknown })),
      [],
    );
    assert.deepEqual(said(productionReplicas, scaler({ minReplicas: unknown })), []);
    assert.deepEqual(said(productionReplicas, given("kubernetes:apps/v1:Deployment", { spec: unknown })), []);
  });

  it("has no business with other kinds", () => {
    assert.deepEqual(
      said(productionReplicas, given("kubernetes:apps/v1:ReplicaSet", { spec: { replicas: 1 } })),
      [],
    );
  });
});
