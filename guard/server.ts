import { createHash, timingSafeEqual } from "node:crypto";
import http from "node:http";
import { z } from "zod";
import { routedTargets } from "../catalog";
import { reason } from "../cluster/thrown";
import { type Alert, parseWebhook } from "./alert";
import type { Log } from "./log";
import type { GuardMetrics } from "./metrics";
import { readSecretFile } from "./secretFile";

export interface ServerOptions {
  /** What Alertmanager shows. */
  readonly alertTokenFile: string;
  /** What those show who report what users say. */
  readonly reportTokenFile: string;
  readonly metrics: GuardMetrics;
  readonly log: Log;
  /** Why this guard doesn't act; undefined when it does. */
  readonly notReady: () => string | undefined;
  /** @throws Error when the alerts must be sent again */
  readonly onAlerts: (alerts: readonly Alert[]) => Promise<unknown>;
}

const mostBytes = 1024 * 1024;
/** Who hasn't sent all of a request by then is cut off, in ms. */
const requestTimeout = 10_000;

const reportSchema = z.strictObject({
  target: z.enum(routedTargets),
  severity: z.literal("critical"),
  text: z.string().min(1).max(2000),
});

/** What is answered, and why: the words are the body. */
class Answer extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** The guard's HTTP endpoints. Whoever calls listens. */
export function createGuardServer(options: ServerOptions): http.Server {
  return http.createServer({ requestTimeout, headersTimeout: requestTimeout }, (request, response) => {
    void answer(request, options).then(({ status, body, type }) => {
      // What isn't read any more isn't waited for either.
      if (status >= 400) response.setHeader("connection", "close");
      response.writeHead(status, { "content-type": type });
      response.end(body);
    });
  });
}

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly type: string;
}

async function answer(request: http.IncomingMessage, options: ServerOptions): Promise<Reply> {
  const text = (status: number, body: string): Reply => ({ status, body: `${body}\n`, type: "text/plain" });
  try {
    return await route(request, options, text);
  } catch (error) {
    if (error instanceof Answer) return text(error.status, error.message);
    options.log.error("a request failed", { path: request.url, why: reason(error) });
    return text(503, reason(error));
  }
}

async function route(
  request: http.IncomingMessage,
  options: ServerOptions,
  text: (status: number, body: string) => Reply,
): Promise<Reply> {
  const { metrics, notReady, log } = options;
  const { pathname } = new URL(request.url ?? "/", "http://guard");
  const method = request.method ?? "GET";
  const wanted = methods[pathname];
  if (wanted === undefined)
    throw new Answer(404, `found ${pathname}, expected one of ${Object.keys(methods).join(", ")}`);
  if (method !== wanted) throw new Answer(405, `found ${method} ${pathname}, expected ${wanted}`);
  switch (pathname) {
    case "/healthz":
      return text(200, "alive");
    case "/readyz": {
      const why = notReady();
      return why === undefined ? text(200, "ready") : text(503, why);
    }
    case "/metrics":
      return { status: 200, body: await metrics.registry.metrics(), type: metrics.registry.contentType };
    case "/reports": {
      requireToken(request, options.reportTokenFile, options);
      const report = reportSchema.safeParse(await readJson(request, metrics));
      if (!report.success) throw malformed(z.prettifyError(report.error), metrics);
      metrics.userReports.inc({ target: report.data.target });
      log.info("a user reports a critical issue", report.data);
      return text(202, "counted");
    }
    default: {
      requireToken(request, options.alertTokenFile, options);
      const alerts = parseWebhook(await readJson(request, metrics));
      if (typeof alerts === "string") throw malformed(alerts, metrics);
      const why = notReady();
      if (why !== undefined) throw new Answer(503, why);
      await options.onAlerts(alerts);
      return text(200, "taken");
    }
  }
}

const methods: Readonly<Record<string, "GET" | "POST">> = {
  "/alerts": "POST",
  "/reports": "POST",
  "/metrics": "GET",
  "/healthz": "GET",
  "/readyz": "GET",
};

function requireToken(request: http.IncomingMessage, file: string, { metrics, log }: ServerOptions): void {
  const [, shown = ""] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "") ?? [];
  // Digests are of one length, whatever was shown.
  if (timingSafeEqual(digest(shown), digest(readSecretFile(file)))) return;
  metrics.alerts.inc({ outcome: "unauthorized" });
  log.error("found a token that isn't the guard's", {
    path: request.url,
    from: request.socket.remoteAddress,
  });
  throw new Answer(401, "found no token that is known here, expected Authorization: Bearer TOKEN");
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

async function readJson(request: http.IncomingMessage, metrics: GuardMetrics): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBytes) {
      metrics.alerts.inc({ outcome: "malformed" });
      throw new Answer(413, `found more than ${mostBytes} bytes, expected at most that`);
    }
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (error) {
    throw malformed(`found no JSON: ${reason(error)}`, metrics);
  }
}

function malformed(why: string, metrics: GuardMetrics): Answer {
  metrics.alerts.inc({ outcome: "malformed" });
  return new Answer(400, why);
}
