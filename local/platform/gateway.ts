import fs from "node:fs";
import path from "node:path";
import { stringify } from "yaml";
import { z } from "zod";
import type { Toolbox } from "../../tools/acquire";
import { stateDir } from "../paths";
import ports from "../ports.json";
import { expectOk, expectOpen } from "./http";
import { kubeconfigFile } from "./kubeconfigs";
import type { Part } from "./processes";
import { run } from "../../tools/child";
import { hostAddress } from "./network";

/** The Gateway that the stack creates and Contour serves. */
export const gateway = { namespace: "pyairtable", name: "pyairtable" };
export const gatewayAddress = `127.0.0.1:${ports.envoy}`;

/** A Gateway, and where it is served. */
export interface DataPlane {
  /** Of its processes and files, before `contour` and `envoy`; empty for the local stack's. */
  readonly prefix: string;
  readonly gateway: { readonly namespace: string; readonly name: string };
  /** That Envoy listens at. */
  readonly address: string;
  readonly ports: Readonly<
    Record<
      "envoy" | "envoyAdmin" | "envoyStats" | "xds" | "contourHttp" | "contourHealth" | "contourDebug",
      number
    >
  >;
}

const localDataPlane: DataPlane = { prefix: "", gateway, address: "127.0.0.1", ports };

const xds = ({ ports }: DataPlane): readonly string[] => [
  "--xds-address=127.0.0.1",
  `--xds-port=${ports.xds}`,
];

export function contour(tools: Toolbox, plane = localDataPlane): Part {
  const { prefix, ports } = plane;
  const configFile = path.join(stateDir, "config", `${prefix}contour.yaml`);
  fs.writeFileSync(
    configFile,
    stringify({
      gateway: { gatewayRef: plane.gateway },
      network: { "admin-port": ports.envoyAdmin },
      // A load keeps its connections for as long as it runs. One that Envoy closes for being idle, at the moment at
      // which it is used again, is a lost request that has nothing to do with a cutover.
      timeouts: { "connection-idle-timeout": "infinity" },
    }),
  );
  return {
    name: `${prefix}contour`,
    command: [
      tools.path("contour"),
      "serve",
      `--config-path=${configFile}`,
      `--kubeconfig=${kubeconfigFile("contour")}`,
      "--insecure",
      ...xds(plane),
      "--disable-leader-election",
      `--envoy-service-http-address=${plane.address}`,
      `--envoy-service-http-port=${ports.envoy}`,
      "--http-address=127.0.0.1",
      `--http-port=${ports.contourHttp}`,
      "--health-address=127.0.0.1",
      `--health-port=${ports.contourHealth}`,
      `--debug-http-port=${ports.contourDebug}`,
      "--stats-address=127.0.0.1",
      `--stats-port=${ports.envoyStats}`,
      // The standard channel has no CRD for them.
      "--disable-feature=tlsroutes",
      "--disable-feature=tcproutes",
      "--disable-feature=backendtlspolicies",
    ],
    configFiles: [configFile, kubeconfigFile("contour")],
    ready: () => expectOk(`http://127.0.0.1:${ports.contourHealth}/healthz`),
  };
}

/**
 * How often Envoy adds up how long answers took. Its own 5 s are a twelfth of the plan's window, and longer than one
 * that a test has shortened.
 */
const statsInterval = "0.5s";

export async function envoy(tools: Toolbox, plane = localDataPlane): Promise<Part> {
  const { prefix, ports } = plane;
  const bootstrap = path.join(stateDir, "config", `${prefix}envoy.json`);
  await run(tools.path("contour"), [
    "bootstrap",
    bootstrap,
    ...xds(plane),
    `--admin-address=${path.join(stateDir, `${prefix}envoy-admin.sock`)}`,
  ]);
  const fromContour = z.looseObject({}).parse(JSON.parse(fs.readFileSync(bootstrap, "utf8")));
  fs.writeFileSync(bootstrap, JSON.stringify({ ...fromContour, stats_flush_interval: statsInterval }));
  return {
    name: `${prefix}envoy`,
    command: [
      tools.path("envoy"),
      ...["-c", bootstrap],
      ...["--service-cluster", "contour"],
      ...["--service-node", "local"],
      "--disable-hot-restart",
      ...["--log-level", "warning"],
    ],
    configFiles: [bootstrap],
    ready: () => expectOk(`http://127.0.0.1:${ports.envoyStats}/ready`),
  };
}

/**
 * Stands in for the Gateway's Service: where pods, which have no way to this machine's loopback, reach Envoy. Passes
 * connections on and knows nothing of HTTP.
 */
export function internalGateway(tools: Toolbox): Part {
  const adminSocket = path.join(stateDir, "internal-gateway-admin.sock");
  const configFile = path.join(stateDir, "config", "internal-gateway.json");
  fs.writeFileSync(
    configFile,
    JSON.stringify({
      admin: { address: { pipe: { path: adminSocket } } },
      static_resources: {
        listeners: [
          statsListener,
          {
            name: "internal-gateway",
            address: socketAddress(hostAddress, ports["internal-gateway"]),
            filter_chains: [
              {
                filters: [
                  {
                    name: "envoy.filters.network.tcp_proxy",
                    typed_config: {
                      "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                      stat_prefix: "internal-gateway",
                      cluster: "envoy",
                      // As the gateway itself: no connection is closed for being idle.
                      idle_timeout: "0s",
                    },
                  },
                ],
              },
            ],
          },
        ],
        clusters: [
          staticCluster("envoy", socketAddress("127.0.0.1", ports.envoy)),
          staticCluster("admin", { pipe: { path: adminSocket } }),
        ],
      },
    }),
  );
  return {
    name: "internal-gateway",
    command: [
      tools.path("envoy"),
      ...["-c", configFile],
      ...["--concurrency", "1"],
      "--disable-hot-restart",
      ...["--log-level", "warning"],
    ],
    configFiles: [configFile],
    ready: () => expectOpen(hostAddress, ports["internal-gateway"]),
  };
}

/** Statistics without the rest of the admin interface, as Contour does it for the gateway's own Envoy. */
const statsListener = {
  name: "stats",
  address: socketAddress("127.0.0.1", ports.internalGatewayStats),
  filter_chains: [
    {
      filters: [
        {
          name: "envoy.filters.network.http_connection_manager",
          typed_config: {
            "@type":
              "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            stat_prefix: "stats",
            route_config: {
              virtual_hosts: [
                {
                  name: "stats",
                  domains: ["*"],
                  routes: [{ match: { prefix: "/stats" }, route: { cluster: "admin" } }],
                },
              ],
            },
            http_filters: [
              {
                name: "envoy.filters.http.router",
                typed_config: {
                  "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                },
              },
            ],
          },
        },
      ],
    },
  ],
};

function staticCluster(name: string, address: object): object {
  return {
    name,
    type: "STATIC",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  };
}

function socketAddress(address: string, port: number): object {
  return { socket_address: { address, port_value: port } };
}
