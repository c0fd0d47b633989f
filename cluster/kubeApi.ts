import https from "node:https";
import http from "node:http";
import { type ClusterAccess, loadClusterAccess } from "./kubeconfig";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<http.IncomingHttpHeaders>;
  readonly body: string;
}

export interface Question {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** @default 10 */
  readonly timeoutSeconds?: number;
}

/** The API server could not be reached at all. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

/**
 * The few calls that the program makes to the API server by itself. A full client costs more to load than the
 * program's own work takes, on every preview.
 */
export class KubeApi {
  private constructor(private readonly access: ClusterAccess) {}

  /** @param context of the kubeconfig; @default its current one */
  static async connect(context?: string): Promise<KubeApi> {
    return new KubeApi(await loadClusterAccess(context));
  }

  /** For messages: which cluster this is. */
  get name(): string {
    return `${this.access.context} (${this.access.server.origin})`;
  }

  /** Any status is an answer; @throws UnreachableError without one */
  async ask(path: string, question: Question = {}): Promise<Answer> {
    const { ca, certificate, key, token } = this.access;
    try {
      return await ask(new URL(path, this.access.server), {
        ...question,
        headers: { ...question.headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
        tls: { ...(ca && { ca }), ...(certificate && { cert: certificate }), ...(key && { key }) },
      });
    } catch (error) {
      throw new UnreachableError(`cluster ${this.name} can't be reached: ${reason(error)}`);
    }
  }
}

/** One HTTP request and its whole answer; any status is an answer. */
export function ask(
  url: URL,
  {
    method = "GET",
    headers = {},
    body,
    timeoutSeconds = 10,
    tls = {},
  }: Question & { readonly tls?: https.RequestOptions } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const content = body === undefined ? undefined : JSON.stringify(body);
    const request = (url.protocol === "https:" ? https : http).request(
      url,
      {
        method,
        headers: { ...headers, ...(content !== undefined && { "content-type": "application/json" }) },
        ...tls,
        agent: false,
        signal: AbortSignal.timeout(timeoutSeconds * 1000),
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: Buffer.concat(chunks).toString("utf8"),
          }),
        );
      },
    );
    request.on("error", (error) =>
      reject(
        error.name === "TimeoutError" || error.name === "AbortError"
          ? new Error(`no answer within ${timeoutSeconds} s`)
          : error,
      ),
    );
    request.end(content);
  });
}

export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
