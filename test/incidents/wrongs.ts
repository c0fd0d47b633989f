import assert from "node:assert/strict";
import fs from "node:fs";
import { type RoutedTargetName, catalogEntry } from "../../catalog";
import { ask } from "../../cluster/kubeApi";
import { backendName } from "../../cluster/names";
import { type Faults, inject, injectAll, podAddresses } from "../../local/inject";
import { reportTokenFile } from "../../local/paths";
import { startMonitoring } from "../../local/platform/monitoring";
import { hostAddress } from "../../local/platform/network";
import { runningParts } from "../../local/platform/processes";
import { SERIES } from "../../monitoring/indicators";
import { namespace } from "../faults/agreement";
import { kill, standInsOf } from "../faults/processes";
import { eventually, triggersTrueOf, valueOf } from "../e2e/prometheus";
import { tools } from "../e2e/world";
import { type Scene, scale } from "./scene";

type Signal = "SIGSTOP" | "SIGCONT";

/** What can go wrong with a target, and with what watches it. */
export class Wrongs {
  constructor(
    private readonly scene: Scene,
    readonly target: RoutedTargetName,
  ) {}

  /** In place of what was wrong with the candidate before. */
  candidate(faults: Faults): Promise<void> {
    return injectAll(this.scene.api, this.deployment, faults);
  }

  /** @param share of the candidate's answers that fail, 0 to 1 */
  fails(share: number): Promise<void> {
    return this.candidate({ errorEvery: { fail: Math.round(share * 1000), of: 1000 } });
  }

  mend(): Promise<void> {
    return this.candidate({});
  }

  legacy(faults: Faults): Promise<void> {
    return inject(`${hostAddress}:${catalogEntry(this.target).legacyPort}`, faults);
  }

  signalCandidate(signal: Signal): Promise<void> {
    const found = standInsOf(this.target, "blue");
    assert.notEqual(found.length, 0);
    for (const pid of found) process.kill(pid, signal);
    return Promise.resolve();
  }

  signalLegacy(signal: Signal): Promise<void> {
    signalPart(`legacy-${this.target}`, signal);
    return Promise.resolve();
  }

  /** All pods of the candidate anew: one that crashed would crash again. */
  async replacePods(): Promise<void> {
    const { api } = this.scene;
    const selector = encodeURIComponent(`app.kubernetes.io/instance=${this.deployment}`);
    const old = await podAddresses(api, this.deployment);
    const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${selector}&gracePeriodSeconds=0`;
    const { status, body } = await api.ask(path, { method: "DELETE" });
    assert.equal(status, 200, body);
    await eventually(
      () => podAddresses(api, this.deployment),
      (found) => found.length > 0 && found.every((address) => !old.includes(address)),
      30,
    );
  }

  async reportIssue(): Promise<void> {
    const { status, body } = await ask(new URL("/reports", this.scene.guard.origin), {
      method: "POST",
      headers: { authorization: `Bearer ${fs.readFileSync(reportTokenFile, "utf8").trim()}` },
      body: { target: this.target, severity: "critical", text: "It can't be used" },
    });
    assert.equal(status, 202, body);
  }

  async healthIs(backend: "legacy" | "blue", value: number): Promise<void> {
    await eventually(
      () => valueOf(`${SERIES.health}{target="${this.target}", backend="${backend}"}`),
      (found) => found === value,
      30,
    );
  }

  /** Its alert fires soon, or does already. */
  async triggerIsTrue(): Promise<void> {
    await eventually(
      () => triggersTrueOf(this.target),
      (alerts) => alerts.length > 0,
      30,
    );
  }

  private get deployment(): string {
    return backendName(this.target, "blue");
  }
}

export function killPart(name: string): void {
  const found = runningParts().filter((part) => part.name === name);
  assert.notEqual(found.length, 0, name);
  for (const { pid } of found) kill(pid);
}

export function signalPart(name: string, signal: Signal): void {
  const found = runningParts().filter((part) => part.name === name);
  assert.notEqual(found.length, 0, name);
  for (const { pid } of found) process.kill(pid, signal);
}

/** Whatever of what watches is down is up again. */
export async function watchAgain(): Promise<void> {
  await startMonitoring(await tools(), { scale });
}
