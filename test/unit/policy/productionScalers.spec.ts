import assert from "node:assert/strict";
import { productionScalers } from "../../../policy/productionScalers";
import { deployment, given, pod, saidAmong, scaler, unknown } from "./resources";

const unstated = deployment(pod, { spec: { replicas: undefined } });

describe("policy production-scalers", () => {
  it("refuses a Deployment that leaves its replicas to nobody", () => {
    assert.deepEqual(saidAmong(productionScalers, [unstated]), [
      "found fewer than 2 replicas and no HorizontalPodAutoscaler, expected one or the other in production; set `capacity` or `autoscale` in the stack file",
    ]);
  });

  it("names the Deployment", () => {
    assert.deepEqual(
      productionScalers.findAmong([unstated]).map(({ of }) => of.urn),
      [unstated.urn],
    );
  });

  it("accepts one with a scaler or two replicas", () => {
    assert.deepEqual(saidAmong(productionScalers, [unstated, scaler({ minReplicas: 2 })]), []);
    assert.deepEqual(saidAmong(productionScalers, [deployment()]), []);
  });

  it("accepts the one replica that the API server puts in until the scaler acts", () => {
    const defaulted = deployment(pod, { spec: { replicas: 1 } });
    assert.deepEqual(saidAmong(productionScalers, [defaulted, scaler({ minReplicas: 2 })]), []);
  });

  it("doesn't take another's scaler for its own", () => {
    const others = [
      scaler({ scaleTargetRef: { kind: "Deployment", name: "docs-blue" } }),
      scaler({ scaleTargetRef: { kind: "StatefulSet", name: "frontend-blue" } }),
      given("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", {
        metadata: { namespace: "elsewhere" },
        spec: { scaleTargetRef: { kind: "Deployment", name: "frontend-blue" } },
      }),
    ];
    for (const other of others) assert.equal(saidAmong(productionScalers, [unstated, other]).length, 1);
  });

  it("says nothing of what isn't known yet", () => {
    assert.deepEqual(saidAmong(productionScalers, [deployment(pod, { spec: { replicas: unknown } })]), []);
    const scaleTargetRef = { kind: "Deployment", name: unknown };
    assert.deepEqual(saidAmong(productionScalers, [unstated, scaler({ scaleTargetRef })]), []);
    assert.deepEqual(saidAmong(productionScalers, [unstated, scaler({ scaleTargetRef: unknown })]), []);
  });

  it("asks it of production's Deployments that share work only", () => {
    const consumer = { "pyairtable.dev/role": "consumer" };
    const spec = { replicas: 1 };
    assert.deepEqual(saidAmong(productionScalers, [deployment(pod, { spec, podLabels: consumer })]), []);
    assert.deepEqual(saidAmong(productionScalers, [deployment(pod, { spec, environment: "staging" })]), []);
    assert.deepEqual(saidAmong(productionScalers, [given("kubernetes:core/v1:Pod", { spec: pod })]), []);
  });
});
