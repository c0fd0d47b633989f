import { Provider } from "@pulumi/kubernetes/provider";
import * as pulumi from "@pulumi/pulumi";
import { type RoutedTargetName, catalogEntry, routedTargets, targetNames } from "../catalog";
import type { Cloud } from "./cloud";
import type { KubeApi } from "../cluster/kubeApi";
import { addressOf, internalHostnameOf, monitoringNamespace } from "../cluster/names";
import type { Release } from "../components/colorRelease";
import { ExtractedService, type Watched } from "../components/extractedService";
import { GatewayMonitoring } from "../components/gatewayMonitoring";
import { GuardDeployment, guardAlertsUrl } from "../components/guardDeployment";
import type { InternalCalls } from "../components/internalCalls";
import { type AlertReceivers, Observability } from "../components/observability";
import { Platform } from "../components/platform";
import type { ReleasePeers } from "../components/releasePolicy";
import { RepositoryBackup } from "../components/repositoryBackup";
import { SharedResources } from "../components/sharedResources";
import { clusterIdentifierOf } from "../config/environment";
import { guardStackFile } from "../config/guardStackFile";
import type { AuthServiceConfig, StackConfig, TargetConfig } from "../config/parse";
import {
  COLORS,
  type Color,
  type CompletedDigests,
  type Evidence,
  type LiveRoute,
  type MigrationState,
  type RouteRecord,
  believed,
  deriveStage,
  formatMigrationState,
  formatSplit,
  migrationState,
  nextRecord,
  withCompleted,
} from "../migration";
import { timingOf } from "../monitoring/timing";
import { ensureStarted } from "../monorepo/startAll";
import { buildDatabase, buildDatabaseMonitoring, databaseOutputs, settingsOf } from "./database";
import type { AppliedStep, StackOutputs, TargetOutputs } from "./outputs";
import type { WantedStep } from "./schemaSteps";

/** Everything that the stack is made from. */
export interface StackInputs {
  readonly config: StackConfig;
  /** The routes as they are; a target without one is absent. */
  readonly live: ReadonlyMap<RoutedTargetName, LiveRoute>;
  /** The digests that were completed before this update. */
  readonly completed: CompletedDigests;
  readonly api: KubeApi;
  readonly now: Date;
  /** Undefined where the stack wants none. */
  readonly evidence: Evidence | undefined;
  /** Targets whose live route this update doesn't touch. */
  readonly leftAlone: ReadonlySet<RoutedTargetName>;
  /** The steps of their schemas that targets' releases need. */
  readonly steps: ReadonlyMap<RoutedTargetName, WantedStep>;
  /** The steps that schemas have gone through before this update. */
  readonly keptSteps: ReadonlyMap<RoutedTargetName, AppliedStep>;
  /** What the stack has in AWS; empty where it has nothing there. */
  readonly cloud: Cloud;
  /** What the repositories' backup runs. */
  readonly backupScript: string;
}

/** Makes the platform and the nine targets. Judges nothing: whoever calls has asked the rules. */
export function buildStack(inputs: StackInputs): StackOutputs {
  const { config, api } = inputs;
  const provider = new Provider(
    "cluster",
    {
      ...contextOf(config, api),
      // The cluster stays the same one when its address or credentials change.
      clusterIdentifier: clusterIdentifierOf(config.platform.environment),
      // Rules and dashboards change in place: replaced, they would be gone in between. Releases' are named by content.
      enableConfigMapMutable: true,
    },
    // The SDK would record KUBECONFIG, a path of whoever ran the last update: a difference in everybody else's preview.
    { transformations: [({ props, opts }) => ({ props: { ...props, kubeconfig: undefined }, opts })] },
  );
  const { namespace, gatewayClass, domain } = config.platform;
  const platform = new Platform("platform", { namespace, gatewayClass, domain }, { provider });
  new SharedResources("infrastructure", { owner: config.infrastructure.owner }, { provider });
  buildBackup(inputs, platform, provider);
  const operator = buildMonitoring(inputs, platform, provider);
  buildGuard(config, platform, provider, operator);

  const steps = new Map<RoutedTargetName, AppliedStep | pulumi.Output<AppliedStep>>(inputs.keptSteps);
  const target = (name: RoutedTargetName): TargetOutputs => {
    const { migrated, outputs } = buildTarget(name, inputs, platform, provider, operator);
    const wanted = inputs.steps.get(name);
    // On a way back nobody has waited for it.
    if (wanted?.args.mustSucceed === true && migrated)
      steps.set(
        name,
        migrated.apply(() => wanted.step),
      );
    return outputs;
  };
  return {
    targets: {
      frontend: target("frontend"),
      "api-gateway": target("api-gateway"),
      "auth-service": target("auth-service"),
      "llm-orchestrator": target("llm-orchestrator"),
      "mcp-server": target("mcp-server"),
      "airtable-gateway": target("airtable-gateway"),
      automation: target("automation"),
      docs: target("docs"),
    },
    infrastructure: { owner: config.infrastructure.owner },
    migration: { phase: config.migration.phase, state: formatMigrationState(stateAfter(inputs)) },
    completed: Object.fromEntries(
      withCompleted(inputs.completed, inputs.live, config.migration.soakHours, inputs.now, inputs.evidence),
    ),
    steps: Object.fromEntries(steps),
  };
}

function stateAfter(inputs: StackInputs): MigrationState {
  const records = routedTargets.map((target) => recordAfter(target, inputs));
  return migrationState(records, inputs.config.infrastructure.owner, inputs.now);
}

/** What the target's route carries once the update is done. */
function recordAfter(target: RoutedTargetName, { config, live, steps, now }: StackInputs): RouteRecord {
  const contracts = steps.get(target)?.step.kind === "contract";
  return nextRecord(target, believed(live.get(target)), { ...config.targets[target], contracts }, now);
}

function buildBackup(
  { config, cloud, backupScript }: StackInputs,
  platform: Platform,
  provider: Provider,
): void {
  const { backup } = config;
  if (backup === undefined || cloud.backups === undefined) return;
  const { schedule, image, gitBaseUrl, compose, gitToken } = backup;
  new RepositoryBackup(
    "repository-backup",
    {
      namespace: platform.namespace,
      schedule,
      image,
      script: backupScript,
      gitBaseUrl,
      repositories: targetNames.map((target) => catalogEntry(target).repository),
      compose,
      ...(gitToken !== undefined && { gitToken }),
      store: cloud.backups,
    },
    { provider },
  );
}

/**
 * What watches the platform as a whole; each target brings its own.
 * @returns what resolves when the operator is there, if it comes with this stack
 */
function buildMonitoring(
  { config }: StackInputs,
  platform: Platform,
  provider: Provider,
): pulumi.Output<string> | undefined {
  const { monitoring } = config;
  if (monitoring?.rules !== "operator") return undefined;
  const timing = timingOf(monitoring.timeScale);
  const operator =
    monitoring.stack &&
    new Observability(
      "observability",
      { timing, ...monitoring.stack, ...(config.guard && { receivers: receiversOf(config, config.guard) }) },
      { provider },
    ).operator;
  const proxyNamespace = proxyNamespaceOf(config);
  if (proxyNamespace !== undefined) {
    const watched = { namespace: platform.namespace, proxyNamespace, timing };
    new GatewayMonitoring("gateway-monitoring", { ...watched, ...(operator && { operator }) }, { provider });
  }
  return operator;
}

function receiversOf(
  { platform }: StackConfig,
  { alertToken, chatUrl }: NonNullable<StackConfig["guard"]>,
): AlertReceivers {
  return {
    guard: { url: guardAlertsUrl(platform.namespace), token: alertToken },
    ...(chatUrl !== undefined && { chatUrl }),
  };
}

/** @param operator what resolves when it is there, if it comes with this stack */
function buildGuard(
  config: StackConfig,
  platform: Platform,
  provider: Provider,
  operator: pulumi.Output<string> | undefined,
): void {
  if (config.guard === undefined) return;
  const { monitoring } = config;
  const { image, repository, prometheus, ...secrets } = config.guard;
  const proxyNamespace = proxyNamespaceOf(config);
  const { chatUrl, ...tokens } = secrets;
  new GuardDeployment(
    "guard",
    {
      namespace: platform.namespace,
      stack: pulumi.getStack(),
      image,
      repository,
      prometheus,
      stackFile: guardStackFile(config),
      secrets: { ...tokens, ...(chatUrl !== undefined && { chatUrl }) },
      ...(proxyNamespace !== undefined && { proxyNamespace }),
      peers: peersOf(config),
      legacyPorts: routedTargets.map((target) => catalogEntry(target).legacyPort),
      ...(monitoring?.rules === "operator" && {
        monitoring: { timing: timingOf(monitoring.timeScale), ...(operator && { operator }) },
      }),
    },
    { provider },
  );
}

/** The one that `api` uses, where the config says which; else the provider finds the current one as `api` did. */
function contextOf({ platform }: StackConfig, api: KubeApi): { readonly context?: string } {
  if (platform.kubeContext !== undefined) return { context: platform.kubeContext };
  return platform.cluster === undefined ? {} : { context: api.context };
}

function buildTarget(
  name: RoutedTargetName,
  inputs: StackInputs,
  platform: Platform,
  provider: Provider,
  operator: pulumi.Output<string> | undefined,
): { readonly outputs: TargetOutputs; readonly migrated: pulumi.Output<string> | undefined } {
  const { config, api, now, leftAlone } = inputs;
  const step = inputs.steps.get(name)?.args;
  const { monorepo } = config;
  const { legacyHost, proxies } = config.platform;
  const wanted = config.targets[name];
  const live = believed(inputs.live.get(name));
  const record = recordAfter(name, inputs);
  const address = addressOf(name, config.platform);
  const { signingKey } = signingKeyOf(wanted);
  const database = buildDatabase(name, config, inputs.cloud, platform, provider);
  if (database !== undefined) {
    const { gateway, probes = gateway } = peersOf(config);
    const watched = { database, scrapers: probes, ...(operator && { operator }) };
    buildDatabaseMonitoring(name, config, watched, platform, provider);
  }
  const service = new ExtractedService(
    name,
    {
      target: catalogEntry(name),
      namespace: platform.namespace,
      gateway: platform.gateway,
      ...address,
      legacyHost,
      releases: releasesOf(wanted, config.platform.readyWithinSeconds),
      record,
      ...(monorepo && { startLegacy: () => ensureStarted(name, monorepo, config.platform) }),
      ...(live && { live }),
      leaveRouteAlone: leftAlone.has(name),
      ...(signingKey !== undefined && { signingKey }),
      ...(step && { step }),
      ...(database && { database }),
      proxies,
      calls: callsOf(name, config.platform),
      peers: peersOf(config),
      ...(config.monitoring && { monitoring: watchedBy(config, config.monitoring, wanted, operator) }),
      api,
    },
    { provider },
  );
  const outputs = {
    stage: deriveStage(record, config.migration.soakHours, now),
    split: service.proven.apply(() => formatSplit(record.split)),
    images: wanted.images,
    url: publicUrl(address.hostname, config.platform.publicPort),
    ...(database && wanted.database && { database: databaseOutputs(wanted.database, database) }),
  };
  return { outputs, migrated: service.migrated };
}

function signingKeyOf(wanted: TargetConfig | AuthServiceConfig): { readonly signingKey?: string } {
  return "signingKey" in wanted ? wanted : {};
}

function releasesOf(wanted: TargetConfig, readyWithinSeconds: number): Partial<Record<Color, Release>> {
  const { capacity, autoscale } = wanted;
  return Object.fromEntries(
    COLORS.flatMap((color) => {
      const image = wanted.images[color];
      if (image === undefined) return [];
      const release: Release = {
        image,
        capacity,
        ...(autoscale && { autoscale }),
        settings: settingsOf(wanted, color),
        secrets: wanted.secrets[color],
        readyWithinSeconds,
      };
      return [[color, release]];
    }),
  );
}

function callsOf(
  name: RoutedTargetName,
  { internalGateway, namespace }: StackConfig["platform"],
): InternalCalls {
  const { dependencies } = catalogEntry(name);
  return {
    gateway: internalGateway,
    names: Object.fromEntries(dependencies.map((called) => [called, internalHostnameOf(called, namespace)])),
  };
}

/** How a target is watched, as the config says. */
function watchedBy(
  { platform, migration }: StackConfig,
  { rules, timeScale }: NonNullable<StackConfig["monitoring"]>,
  { baseline, indicators, database }: TargetConfig,
  operator: pulumi.Output<string> | undefined,
): Watched {
  return {
    rules,
    namespace: platform.namespace,
    timing: timingOf(timeScale),
    soakHours: migration.soakHours,
    ...(baseline && { baseline }),
    indicators,
    database: database !== undefined,
    ...(operator && { operator }),
  };
}

/** Undefined where they are no pods. */
function proxyNamespaceOf({ platform: { proxies } }: StackConfig): string | undefined {
  return "service" in proxies ? proxies.service.split("/")[0] : undefined;
}

function peersOf(config: StackConfig): ReleasePeers {
  const { proxies, legacyHost, controlPlaneCidrs, internalGateway } = config.platform;
  const others = { legacyHost, controlPlaneCidrs };
  const proxyNamespace = proxyNamespaceOf(config);
  if (!("service" in proxies) || proxyNamespace === undefined) {
    // Proxies at fixed addresses share the monorepo's host, and so do the probes.
    return {
      ...others,
      gateway: [{ ipBlock: { cidr: `${legacyHost}/32` } }],
      gatewayPort: internalGateway.port,
    };
  }
  // Those in the cluster call from their namespace.
  return {
    ...others,
    gateway: [namespacePeer(proxyNamespace)],
    gatewayPort: proxies.port,
    ...(config.monitoring && { probes: [namespacePeer(monitoringNamespace)] }),
  };
}

function namespacePeer(namespace: string): ReleasePeers["gateway"][number] {
  return { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } } };
}

function publicUrl(hostname: string, port: number): string {
  if (port === 443) return `https://${hostname}`;
  return port === 80 ? `http://${hostname}` : `http://${hostname}:${port}`;
}
