import * as pulumi from "@pulumi/pulumi";
import { routedTargets } from "./catalog";
import { ClusterError, readLiveRoutes } from "./cluster/liveRoutes";
import { KubeApi, UnreachableError } from "./cluster/kubeApi";
import { KubeconfigError } from "./cluster/kubeconfig";
import { withoutStack } from "./components/withoutStack";
import { ConfigError } from "./config/problem";
import { loadStackConfig } from "./config/load";
import { type Violation, formatViolations, judge, setAside } from "./migration";
import { appliedSplits, type StackOutputs } from "./outputs";
import { buildStack } from "./stack";

/** Reads what is wanted and what is live, lets the rules judge, and only then says what shall be. */
async function main(): Promise<StackOutputs> {
  const config = loadStackConfig();
  const api = await KubeApi.connect(config.platform.kubeContext);
  const [live, applied] = await Promise.all([readLiveRoutes(api, config.platform.namespace), readApplied()]);
  const now = new Date();
  const wanted = new Map(routedTargets.map((target) => [target, config.targets[target]]));
  const input = { live, applied, wanted, soakHours: config.migration.soakHours, now };
  const violations = judge(input);
  const aside = setAside(input, violations);
  enforce(violations.filter((violation) => !aside.includes(violation)));
  if (aside.length > 0) {
    void pulumi.log.warn(
      `A way back goes first; these routes are left as they are.\n${formatViolations(aside)}`,
    );
  }
  if (config.platform.aws !== undefined) (await import("./cloud.js")).buildCloud(config);
  return buildStack({ config, live, api, now, leftAlone: new Set(aside.map(({ target }) => target)) });
}

/** What waits only for time is said in a preview and refused in an update; everything else is refused in both. */
function enforce(violations: readonly Violation[]): void {
  if (violations.length === 0) return;
  const message = `The rules refuse what the stack's config asks for; nothing was changed.\n${formatViolations(violations)}`;
  const onlyWaits = violations.every(({ notBefore }) => notBefore !== undefined);
  if (!pulumi.runtime.isDryRun() || !onlyWaits) throw withoutStack(new pulumi.RunError(message));
  void pulumi.log.warn(message);
}

/** This stack's own outputs from its last successful update. */
async function readApplied(): Promise<ReturnType<typeof appliedSplits>> {
  const itself = new pulumi.StackReference(
    `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`,
  );
  return appliedSplits((await itself.getOutputDetails("targets")).value);
}

/** What a user can mend is said in its own words, without a stack trace. */
function explained(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const expected = [ConfigError, KubeconfigError, UnreachableError, ClusterError];
  return expected.some((type) => error instanceof type)
    ? withoutStack(new pulumi.RunError(error.message))
    : error;
}

export = async (): Promise<StackOutputs> => {
  try {
    return await main();
  } catch (error) {
    throw explained(error);
  }
};
