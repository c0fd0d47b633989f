import assert from "node:assert/strict";
import { productionDisruptionBudgets } from "../../../policy/productionDisruptionBudgets";
import { budget, deployment, pod, saidAmong, scaler, unknown } from "./resources";

const uncovered =
  "found no PodDisruptionBudget that selects its pods, expected one in production; a drain of nodes would take all pods at once: give it one with maxUnavailable: 1";

describe("policy production-disruption-budgets", () => {
  it("refuses a Deployment without a budget", () => {
    assert.deepEqual(saidAmong(productionDisruptionBudgets, [deployment()]), [uncovered]);
  });

  it("accepts one with a budget that selects its pods", () => {
    assert.deepEqual(
      saidAmong(productionDisruptionBudgets, [deployment(), budget({ maxUnavailable: 1 })]),
      [],
    );
    const selector = {};
    assert.deepEqual(saidAmong(productionDisruptionBudgets, [deployment(), budget({ selector })]), []);
  });

  it("doesn't take another's budget for its own", () => {
    const others = [
      budget({ selector: { matchLabels: { app: "docs-blue" } } }),
      budget({ selector: undefined }),
      budget({}, "elsewhere"),
    ];
    for (const other of others) {
      assert.deepEqual(saidAmong(productionDisruptionBudgets, [deployment(), other]), [uncovered]);
    }
  });

  it("refuses a budget that asks for as many pods as there are", () => {
    assert.deepEqual(saidAmong(productionDisruptionBudgets, [deployment(), budget({ minAvailable: 2 })]), [
      "found a PodDisruptionBudget with minAvailable: 2 over 2 pods, expected one that lets at least one pod go; use maxUnavailable: 1",
    ]);
    const scaled = [deployment(), scaler({ minReplicas: 3 })];
    assert.deepEqual(saidAmong(productionDisruptionBudgets, [...scaled, budget({ minAvailable: 2 })]), []);
    assert.equal(saidAmong(productionDisruptionBudgets, [...scaled, budget({ minAvailable: 3 })]).length, 1);
  });

  it("says nothing of what isn't known yet", () => {
    const some = [
      budget({ selector: unknown }),
      budget({ selector: { matchLabels: { app: unknown } } }),
      budget({ minAvailable: unknown }),
    ];
    for (const one of some) assert.deepEqual(saidAmong(productionDisruptionBudgets, [deployment(), one]), []);
    const unlabelled = deployment(pod, { podLabels: unknown });
    assert.deepEqual(saidAmong(productionDisruptionBudgets, [unlabelled, budget({})]), []);
  });

  it("asks it of production's Deployments that share work only", () => {
    const consumer = { "pyairtable.dev/role": "consumer" };
    assert.deepEqual(saidAmong(productionDisruptionBudgets, [deployment(pod, { podLabels: consumer })]), []);
    assert.deepEqual(saidAmong(productionDisruptionBudgets, [deployment(pod, { environment: "local" })]), []);
    assert.deepEqual(saidAmong(productionDisruptionBudgets, [budget({})]), []);
  });
});
