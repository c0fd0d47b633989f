import { z } from "zod";
import { type RoutedTargetName, catalogEntry, routedTargets } from "../../catalog";
import { backendName, databaseExporterLabels, serviceRole } from "../../cluster/names";
import { COLORS } from "../../migration";
import { databaseScrapes } from "../../monitoring/database";
import { hostAddress } from "../platform/network";

const serviceSchema = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({ clusterIP: z.string().optional() }),
});
const deploymentSchema = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({ replicas: z.number().optional() }),
});

const podSchema = z.object({
  metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.string()) }),
  status: z.object({ phase: z.string().optional(), podIP: z.string().optional() }),
});

/** An entry of Prometheus' `file_sd`. */
export interface ScrapedTarget {
  readonly targets: readonly [url: string];
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Which backends are probed, and where: each that runs. A colour at its Service, not through the gateway, whose
 * statistics would count the probes among users' requests; legacy at its container.
 */
export function probeTargets(services: readonly unknown[], deployments: readonly unknown[]): ScrapedTarget[] {
  const addresses = new Map(
    services
      .map((service) => serviceSchema.parse(service))
      .map(({ metadata, spec }) => [metadata.name, spec.clusterIP] as const),
  );
  const running = new Set(
    deployments
      .map((deployment) => deploymentSchema.parse(deployment))
      .filter(({ spec }) => spec.replicas !== 0)
      .map(({ metadata }) => metadata.name),
  );
  return routedTargets.flatMap((target) => {
    const { port, legacyPort } = catalogEntry(target);
    return [
      ...(addresses.has(backendName(target, "legacy"))
        ? [probe(target, "legacy", hostAddress, legacyPort)]
        : []),
      ...COLORS.flatMap((color) => {
        const name = backendName(target, color);
        const address = addresses.get(name);
        return address !== undefined && running.has(name) ? [probe(target, color, address, port)] : [];
      }),
    ];
  });
}

function probe(target: RoutedTargetName, backend: string, address: string, port: number): ScrapedTarget {
  const { path } = catalogEntry(target).probes.readiness;
  return { targets: [`http://${address}:${port}${path}`], labels: { target, backend } };
}

/** The pods that serve: what a release tells about itself. */
export function podTargets(pods: readonly unknown[]): ScrapedTarget[] {
  return pods
    .map((pod) => podSchema.parse(pod))
    .flatMap(({ metadata: { name, labels }, status: { phase, podIP } }): ScrapedTarget[] => {
      const target = routedTargets.find((each) => each === labels["app.kubernetes.io/name"]);
      const backend = labels["pyairtable.dev/backend"];
      if (target === undefined || backend === undefined || !has(labels, serviceRole)) return [];
      if (phase !== "Running" || podIP === undefined) return [];
      return [
        {
          targets: [`${podIP}:${catalogEntry(target).port}`],
          labels: { target, backend, pod: name },
        },
      ];
    });
}

/** The pods that watch a database: each is asked for each of its backends, and once for the data. */
export function databaseTargets(pods: readonly unknown[]): ScrapedTarget[] {
  return pods
    .map((pod) => podSchema.parse(pod))
    .flatMap(({ metadata: { labels }, status: { phase, podIP } }): ScrapedTarget[] => {
      const target = routedTargets.find((each) => each === labels["app.kubernetes.io/name"]);
      if (target === undefined || !has(labels, databaseExporterLabels)) return [];
      if (phase !== "Running" || podIP === undefined) return [];
      return databaseScrapes(target).map(({ exporter, params, labels: own }) => ({
        targets: [`${podIP}:${exporter.port}`],
        labels: {
          ...own,
          __metrics_path__: exporter.path,
          ...Object.fromEntries(Object.entries(params).map(([key, value]) => [`__param_${key}`, value])),
        },
      }));
    });
}

function has(labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
