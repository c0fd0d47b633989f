import fs from "node:fs";
import path from "node:path";
import { Provider } from "@pulumi/kubernetes/provider";
import { type RoutedTargetName, catalogEntry, routedTargets, targetNames } from "./catalog";
import type { Cloud } from "./cloud";
import type { KubeApi } from "./cluster/kubeApi";
import { hostnameOf } from "./cluster/names";
import type { Release } from "./components/colorRelease";
import { ExtractedService } from "./components/extractedService";
import { Platform } from "./components/platform";
import type { ReleasePeers } from "./components/releasePolicy";
import { RepositoryBackup } from "./components/repositoryBackup";
import { SharedResources } from "./components/sharedResources";
import { clusterIdentifierOf } from "./config/environment";
import type { AuthServiceConfig, StackConfig, TargetConfig } from "./config/parse";
import {
  COLORS,
  type Color,
  type CompletedDigests,
  type LiveRoute,
  type MigrationState,
  type RouteRecord,
  deriveStage,
  formatMigrationState,
  formatSplit,
  isTampered,
  migrationState,
  nextRecord,
  withCompleted,
} from "./migration";
import { ensureStarted } from "./monorepo/startAll";
import type { StackOutputs, TargetOutputs } from "./outputs";

/** Everything that the stack is made from. */
export interface StackInputs {
  readonly config: StackConfig;
  /** The routes as they are; a target without one is absent. */
  readonly live: ReadonlyMap<RoutedTargetName, LiveRoute>;
  /** The digests that were completed before this update. */
  readonly completed: CompletedDigests;
  readonly api: KubeApi;
  readonly now: Date;
  /** Targets whose live route this update doesn't touch. */
  readonly leftAlone: ReadonlySet<RoutedTargetName>;
  /** What the stack has in AWS; empty where it has nothing there. */
  readonly cloud: Cloud;
}

/** Makes the platform and the nine targets. Judges nothing: whoever calls has asked the rules. */
export function buildStack(inputs: StackInputs): StackOutputs {
  const { config } = inputs;
  const provider = new Provider(
    "cluster",
    {
      ...(config.platform.kubeContext !== undefined && { context: config.platform.kubeContext }),
      // The cluster stays the same one when its address or credentials change.
      clusterIdentifier: clusterIdentifierOf(config.platform.environment),
    },
    // The SDK would record KUBECONFIG, a path of whoever ran the last update: a difference in everybody else's preview.
    { transformations: [({ props, opts }) => ({ props: { ...props, kubeconfig: undefined }, opts })] },
  );
  const { namespace, gatewayClass, domain } = config.platform;
  const platform = new Platform("platform", { namespace, gatewayClass, domain }, { provider });
  new SharedResources("infrastructure", { owner: config.infrastructure.owner }, { provider });
  buildBackup(inputs, platform, provider);

  const target = (name: RoutedTargetName): TargetOutputs => buildTarget(name, inputs, platform, provider);
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
      withCompleted(inputs.completed, inputs.live, config.migration.soakHours, inputs.now),
    ),
  };
}

function stateAfter({ config, live, now }: StackInputs): MigrationState {
  const records = routedTargets.map((target) =>
    nextRecord(target, believedRoute(live.get(target)), config.targets[target], now),
  );
  return migrationState(records, config.infrastructure.owner, now);
}

function buildBackup({ config, cloud }: StackInputs, platform: Platform, provider: Provider): void {
  const { backup } = config;
  if (backup === undefined || cloud.backups === undefined) return;
  const { schedule, image, gitBaseUrl, compose, gitToken } = backup;
  new RepositoryBackup(
    "repository-backup",
    {
      namespace: platform.namespace,
      schedule,
      image,
      script: fs.readFileSync(path.join(__dirname, "backup", "backup.sh"), "utf8"),
      gitBaseUrl,
      repositories: targetNames.map((target) => catalogEntry(target).repository),
      compose,
      ...(gitToken !== undefined && { gitToken }),
      store: cloud.backups,
    },
    { provider },
  );
}

function buildTarget(
  name: RoutedTargetName,
  { config, live, api, now, leftAlone }: StackInputs,
  platform: Platform,
  provider: Provider,
): TargetOutputs {
  const { monorepo } = config;
  const { domain, legacyHost, proxies, publicPort } = config.platform;
  const wanted = config.targets[name];
  const believed = believedRoute(live.get(name));
  const record = nextRecord(name, believed, wanted, now);
  const hostname = hostnameOf(name, domain);
  const { signingKey } = signingKeyOf(wanted);
  const service = new ExtractedService(
    name,
    {
      target: catalogEntry(name),
      namespace: platform.namespace,
      gateway: platform.gateway,
      hostname,
      legacyHost,
      releases: releasesOf(wanted, config.platform.readyWithinSeconds),
      record,
      ...(monorepo && { startLegacy: () => ensureStarted(name, monorepo, config.platform) }),
      ...(believed && { live: believed }),
      leaveRouteAlone: leftAlone.has(name),
      ...(signingKey !== undefined && { signingKey }),
      proxies,
      gatewayPeers: gatewayPeers(config.platform),
      controlPlaneCidrs: config.platform.controlPlaneCidrs,
      api,
    },
    { provider },
  );
  return {
    stage: deriveStage(record, config.migration.soakHours, now),
    split: service.proven.apply(() => formatSplit(record.split)),
    images: wanted.images,
    url: publicUrl(hostname, publicPort),
  };
}

function believedRoute(route: LiveRoute | undefined): RouteRecord | undefined {
  return route === undefined || isTampered(route) ? undefined : route;
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
        settings: wanted.settings[color],
        secrets: wanted.secrets[color],
        readyWithinSeconds,
      };
      return [[color, release]];
    }),
  );
}

/** Proxies in the cluster call from their namespace; those at fixed addresses share the monorepo's host. */
function gatewayPeers({ proxies, legacyHost }: StackConfig["platform"]): ReleasePeers["gateway"] {
  if (!("service" in proxies)) return [{ ipBlock: { cidr: `${legacyHost}/32` } }];
  const [proxyNamespace = ""] = proxies.service.split("/");
  return [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": proxyNamespace } } }];
}

function publicUrl(hostname: string, port: number): string {
  if (port === 443) return `https://${hostname}`;
  return port === 80 ? `http://${hostname}` : `http://${hostname}:${port}`;
}
