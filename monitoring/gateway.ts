import type { RoutedTarget } from "../catalog";
import { backendName } from "../cluster/names";
import type { Backend } from "../migration";
import { series } from "./promql";

/** Counters that the data plane keeps of one backend, each summed over all replicas of the proxy. */
export interface GatewayCounters {
  /** Answers, with those that the proxy gives in place of a backend that can't be reached. */
  readonly requests: string;
  /** Of these, the ones with status 5xx. */
  readonly failed: string;
  /** Time that answers took, and how many were timed. */
  readonly milliseconds: string;
  readonly timed: string;
}

/** What Envoy counts under Contour, which names a cluster's statistics after Service and port. */
export function gatewayCounters(target: RoutedTarget, backend: Backend, namespace: string): GatewayCounters {
  const cluster = {
    envoy_cluster_name: `${namespace}_${backendName(target.name, backend)}_${target.port}`,
  };
  const requests = "envoy_cluster_upstream_rq_xx";
  const time = "envoy_cluster_upstream_rq_time";
  return {
    requests: series(requests, cluster),
    failed: series(requests, { ...cluster, envoy_response_code_class: "5" }),
    milliseconds: series(`${time}_sum`, cluster),
    timed: series(`${time}_count`, cluster),
  };
}
