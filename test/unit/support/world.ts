import http from "node:http";
import net from "node:net";
import { mock } from "node:test";
import type { KubeApi } from "../../../cluster/kubeApi";
import { type Answerer, type Asked, type Reply, startHttpStub } from "./httpStub";
import { connectTo, setEnvironment } from "./kubeconfig";
import type { Registered } from "./recording";

/**
 * Everything that a program talks to besides the engine, all well: the API server, the backends behind it, the
 * monorepo's containers, and a data plane that serves each route from when it is registered. Every HTTP connection
 * of the process ends here, whatever its address, so that no test can reach a real one.
 */
export interface World {
  readonly api: KubeApi;
  /** What happened, in order: `GET host/path` as asked, `registered name` as told. */
  readonly events: readonly string[];
  /** To be told of each registration: `record(build, { onRegister: world.onRegister })`. */
  readonly onRegister: (resource: Registered) => void;
  close(): Promise<void>;
}

const apiHost = "cluster.invalid";

/** @param answer instead of what is well; undefined leaves that as it is */
export async function startWorld(answer: Answerer = () => undefined): Promise<World> {
  const events: string[] = [];
  const routeHashes = new Map<string, string>();
  const consumers = new Map<string, boolean>();

  const wellAnswer = (asked: Asked): Reply | undefined => {
    if (asked.host === apiHost) return apiAnswer(asked);
    const routeHash = routeHashes.get(asked.host);
    if (routeHash !== undefined) return { headers: { "x-pyairtable-route": routeHash } };
    if (asked.path === "/mcp") return { body: fourteenTools };
    if (asked.path !== "/consumer") return {};
    if (asked.method === "PUT") consumers.set(asked.host, asked.body.includes("true"));
    return { body: { consuming: consumers.get(asked.host) ?? true } };
  };
  const stub = await startHttpStub((asked) => {
    events.push(`${asked.method} ${asked.host}${decodeURIComponent(asked.path)}`);
    return answer(asked) ?? wellAnswer(asked);
  });
  const restoreHttp = divertHttp(stub.port);
  const api = await connectTo(`http://${apiHost}`);
  // The SDK's Provider takes it for an input, and a user's own is none of a test's business.
  const restoreKubeconfig = setEnvironment("KUBECONFIG", undefined);
  return {
    api,
    events,
    onRegister: (resource) => {
      events.push(`registered ${resource.name}`);
      if (resource.inputs["kind"] === "HTTPRoute") routeHashes.set(...servedBy(resource.inputs));
    },
    close: () => {
      restoreKubeconfig();
      restoreHttp();
      return stub.close();
    },
  };
}

function apiAnswer({ method, path }: Asked): Reply | undefined {
  if (method === "GET" && path.includes("/deployments/")) return { body: readyDeployment };
  if (path.endsWith("/proxy/mcp")) return { body: fourteenTools };
  if (path.includes("/proxy/")) return {};
  if (path.includes("/pods?")) return { body: { items: [] } };
  if (path.includes("/endpointslices?")) {
    return { body: { items: [{ endpoints: [{ addresses: ["10.244.0.9"], conditions: { ready: true } }] }] } };
  }
  return undefined;
}

const fourteenTools = { result: { tools: Array.from({ length: 14 }, () => ({})) } };

const readyDeployment = {
  metadata: { generation: 1 },
  spec: { replicas: 9, selector: { matchLabels: {} } },
  status: { observedGeneration: 1, replicas: 9, updatedReplicas: 9, availableReplicas: 9 },
};

/** The host name of a route, and the hash that the data plane answers with. */
function servedBy(inputs: Readonly<Record<string, unknown>>): [string, string] {
  const text = JSON.stringify(inputs);
  const hostname = /"hostnames":\["([^"]+)"/.exec(text)?.[1];
  const routeHash = /"name":"x-pyairtable-route","value":"([^"]+)"/.exec(text)?.[1];
  if (hostname === undefined || routeHash === undefined) throw new Error(`no whole route: ${text}`);
  return [hostname, routeHash];
}

function divertHttp(port: number): () => void {
  const connect = (): net.Socket => net.connect({ host: "127.0.0.1", port });
  const { mock: diversion } = mock.method(http.Agent.prototype, "createConnection", connect);
  return () => {
    diversion.restore();
  };
}
