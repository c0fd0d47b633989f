import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import os from "node:os";
import path from "node:path";
import { type Duplex, pipeline } from "node:stream";
import { stringify } from "yaml";
import { type ClusterAccess, loadClusterAccess } from "../../cluster/kubeconfig";
import { kubeconfig as kubeconfigFor, withEnvironment } from "../unit/support/kubeconfig";

/** A request to the API server. */
export interface ApiRequest {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  /** Nothing is to be changed by it. */
  readonly isDryRun: boolean;
  /** As in RBAC: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`. */
  readonly verb: string;
  /** `httproutes`, `deployments/status`; `discovery`, or the path's first part, for what is no resource. */
  readonly resource: string;
}

/**
 * What becomes of a request: it is passed on, at once or later; or it is answered with an error, or its connection is
 * dropped, and it isn't passed on.
 */
export type Verdict = "pass" | "drop" | { readonly delayMs: number } | { readonly status: number };

export interface ApiProxyOptions {
  /** The file that names the cluster and who asks; its current context is used. */
  readonly kubeconfig: string;
  /** Called for each request. @default all pass */
  readonly onRequest?: (request: ApiRequest) => Verdict;
  /** By how much the API server's clock shall seem to be ahead. @default 0 */
  readonly clockAheadMs?: number;
}

/** An HTTP server on 127.0.0.1 in front of the API server. */
export interface ApiProxy {
  /** Leads to the proxy; needs no credentials. */
  readonly kubeconfigFile: string;
  /** Requests so far by what they asked: `patch httproutes`. */
  readonly counts: ReadonlyMap<string, number>;
  /** Breaks off what is open. */
  close(): Promise<void>;
}

/**
 * Counts what is asked of the API server, delays it or refuses it. Watches are passed on as they come, and so are sockets,
 * which commands in pods talk through.
 */
export async function startApiProxy({
  kubeconfig,
  onRequest = () => "pass",
  clockAheadMs = 0,
}: ApiProxyOptions): Promise<ApiProxy> {
  const access = await withEnvironment("KUBECONFIG", kubeconfig, () => loadClusterAccess());
  const counts = new Map<string, number>();
  const forward = forwarder(access, clockAheadMs);
  const judge = (request: http.IncomingMessage): Verdict => {
    const asked = describe(request);
    const call = `${asked.verb} ${asked.resource}`;
    counts.set(call, (counts.get(call) ?? 0) + 1);
    return onRequest(asked);
  };
  const server = http.createServer((request, response) => {
    const verdict = judge(request);
    if (verdict === "pass") forward.pass(request, response);
    else if (verdict === "drop") request.socket.destroy();
    else if ("status" in verdict) refuse(response, verdict.status);
    else {
      const timer = setTimeout(() => forward.pass(request, response), verdict.delayMs);
      response.on("close", () => clearTimeout(timer));
    }
  });
  const sockets = new Set<Duplex>();
  server.on("upgrade", (request, socket: Duplex) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    const verdict = judge(request);
    if (verdict === "drop") socket.destroy();
    else if (verdict === "pass") forward.upgrade(request, socket);
    else if ("status" in verdict) socket.end(`HTTP/1.1 ${verdict.status} Refused\r\n\r\n`);
    else setTimeout(() => forward.upgrade(request, socket), verdict.delayMs);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("no TCP address");
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "api-proxy-"));
  const kubeconfigFile = path.join(folder, "kubeconfig");
  fs.writeFileSync(
    kubeconfigFile,
    stringify({ apiVersion: "v1", kind: "Config", ...kubeconfigFor(`http://127.0.0.1:${bound.port}`, {}) }),
  );
  return {
    kubeconfigFile,
    counts,
    close: async () => {
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
      forward.agent.destroy();
      fs.rmSync(folder, { recursive: true });
    },
  };
}

interface Forwarder {
  readonly agent: http.Agent;
  readonly pass: (request: http.IncomingMessage, response: http.ServerResponse) => void;
  /** For what asks for another protocol. */
  readonly upgrade: (request: http.IncomingMessage, socket: Duplex) => void;
}

/** Passes requests on with the credentials of whoever the kubeconfig names. */
function forwarder({ server, ca, certificate, key, token }: ClusterAccess, clockAheadMs: number): Forwarder {
  const secure = server.protocol === "https:";
  const agent = secure
    ? new https.Agent({
        keepAlive: true,
        ...(ca && { ca }),
        ...(certificate && { cert: certificate }),
        ...(key && { key }),
      })
    : new http.Agent({ keepAlive: true });
  const send = (
    { url = "/", method = "GET" }: http.IncomingMessage,
    headers: http.OutgoingHttpHeaders,
  ): http.ClientRequest =>
    (secure ? https : http).request(new URL(url, server), {
      agent,
      method,
      headers: {
        ...headers,
        host: server.host,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
    });
  const pass: Forwarder["pass"] = (request, response) => {
    const headers: http.OutgoingHttpHeaders = { ...request.headers };
    // It is about the connection to here.
    delete headers["connection"];
    const onwards = send(request, headers).on("response", (answer) => {
      const date = new Date(Date.parse(answer.headers.date ?? "") + clockAheadMs).toUTCString();
      response.writeHead(
        answer.statusCode ?? 502,
        clockAheadMs === 0 ? answer.headers : { ...answer.headers, date },
      );
      // A watch may have nothing to say for long: its client wants to know that it is open.
      response.flushHeaders();
      pipeline(answer, response, () => undefined);
    });
    onwards.on("error", () => {
      if (response.headersSent) response.destroy();
      else refuse(response, 502);
    });
    response.on("close", () => onwards.destroy());
    request.pipe(onwards);
  };
  const upgrade: Forwarder["upgrade"] = (request, socket) => {
    const onwards = send(request, request.headers);
    onwards.on("upgrade", (answer, upstream, head) => {
      socket.write(headOf(answer));
      socket.write(head);
      pipeline(upstream, socket, () => undefined);
      pipeline(socket, upstream, () => undefined);
    });
    onwards.on("response", (answer) => {
      socket.write(headOf(answer));
      pipeline(answer, socket, () => undefined);
    });
    onwards.on("error", () => socket.destroy());
    onwards.end();
  };
  return { agent, pass, upgrade };
}

/** An answer as it came, without its body. */
function headOf({ statusCode = 502, statusMessage = "", rawHeaders }: http.IncomingMessage): string {
  const headers = rawHeaders.flatMap((text, index) =>
    index % 2 === 0 ? [`${text}: ${rawHeaders[index + 1] ?? ""}`] : [],
  );
  return [`HTTP/1.1 ${statusCode} ${statusMessage}`, ...headers, "", ""].join("\r\n");
}

/** As the API server would say it. */
function refuse(response: http.ServerResponse, status: number): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(
    JSON.stringify({
      apiVersion: "v1",
      kind: "Status",
      status: "Failure",
      code: status,
      message: "refused by the test's proxy",
    }),
  );
}

/** `/api/v1/namespaces/n/pods/p/log`: resource, name, subresource. */
const resourcePath =
  /^\/(?:api|apis\/[^/]+)\/[^/]+\/(?:namespaces\/[^/]+\/(?=[^/]))?([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?/;

function describe({ method = "GET", url = "/" }: http.IncomingMessage): ApiRequest {
  const { pathname, searchParams } = new URL(url, "http://localhost");
  const [match, plural = "", name, subresource] = resourcePath.exec(pathname) ?? [];
  const isWatch = ["true", "1"].includes(searchParams.get("watch") ?? "");
  const isDryRun = searchParams.has("dryRun");
  if (match === undefined) {
    const [, first = ""] = pathname.split("/");
    return {
      method,
      path: pathname,
      isDryRun,
      verb: method.toLowerCase(),
      resource: first === "api" || first === "apis" ? "discovery" : `/${first}`,
    };
  }
  return {
    method,
    path: pathname,
    isDryRun,
    verb: verbOf(method, name !== undefined, isWatch),
    resource: subresource === undefined ? plural : `${plural}/${subresource}`,
  };
}

function verbOf(method: string, isNamed: boolean, isWatch: boolean): string {
  switch (method) {
    case "GET":
      return isWatch ? "watch" : isNamed ? "get" : "list";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "DELETE":
      return isNamed ? "delete" : "deletecollection";
    default:
      return method.toLowerCase();
  }
}
