import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { type ClusterAccess, type WantedCluster, loadClusterAccess } from "./kubeconfig";
import { hasCode, reason } from "./thrown";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<http.IncomingHttpHeaders>;
  readonly body: string;
}

export interface Question {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, unless the headers name another type of it. */
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
  /** Connections are kept: a handshake costs more than an answer, and from afar much more. */
  private readonly agent: http.Agent;

  private constructor(private readonly access: ClusterAccess) {
    const isSecure = access.server.protocol === "https:";
    this.agent = new (isSecure ? https : http).Agent({ keepAlive: true });
  }

  /** In milliseconds: how far the API server's clock is ahead of this machine's, where that can't be chance. */
  private ahead = 0;

  /** @param wanted @default the kubeconfig's current context */
  static async connect(wanted: WantedCluster = {}): Promise<KubeApi> {
    return new KubeApi(await loadClusterAccess(wanted));
  }

  /** The kubeconfig's context. */
  get context(): string {
    return this.access.context;
  }

  /** `127.0.0.1:6443` */
  get host(): string {
    return this.access.server.host;
  }

  /** For messages: which cluster this is. */
  get name(): string {
    return `${this.access.context} (${this.access.server.origin})`;
  }

  /**
   * The time by which soaks are judged and routes are stamped: this machine's, but the API server's once it has told
   * that they are more than a minute apart. All who update a stack share one API server, and a way back must not wait
   * until somebody has set a clock.
   */
  now(): Date {
    return new Date(Date.now() + this.ahead);
  }

  /** What the user should know about this machine's clock; undefined when it is right. */
  get clockWarning(): string | undefined {
    if (this.ahead === 0) return undefined;
    const seconds = Math.round(Math.abs(this.ahead) / 1000);
    return `found this machine's clock ${seconds} s ${this.ahead < 0 ? "ahead of" : "behind"} that of the API server of ${this.name}, expected ${greatestSkew / 1000} s or less: the API server's counts; set this machine's`;
  }

  /** Any status is an answer; @throws UnreachableError without one */
  async ask(path: string, question: Question = {}): Promise<Answer> {
    try {
      const answer = await ask(new URL(path, this.access.server), {
        ...question,
        ...this.credentials(question),
      });
      // What comes through the API server has another's clock.
      if (!path.includes("/proxy/")) this.compareClocks(answer);
      return answer;
    } catch (error) {
      throw this.unreachable(error);
    }
  }

  /**
   * Asks again while the API server can't be reached, has too much to do or fails: for what must not depend on one
   * answer. @throws UnreachableError without any after `withinSeconds`; the last answer counts otherwise
   */
  async askPersistently(path: string, question: Question = {}, withinSeconds = 30): Promise<Answer> {
    const deadline = Date.now() + withinSeconds * 1000;
    for (let wait = 50; ; wait = Math.min(2 * wait, 1000)) {
      const isLast = Date.now() + wait > deadline;
      try {
        const answer = await this.ask(path, question);
        if (isLast || (answer.status !== 429 && answer.status < 500)) return answer;
      } catch (error) {
        if (isLast) throw error;
      }
      await sleep(wait);
    }
  }

  /**
   * Follows an answer that never ends (a watch), line by line, until it ends or `signal` aborts.
   * @throws UnreachableError without an answer of status 200
   */
  async follow(path: string, onLine: (line: string) => void, signal: AbortSignal): Promise<void> {
    const { headers, tls, agent } = this.credentials({});
    const url = new URL(path, this.access.server);
    const request = (url.protocol === "https:" ? https : http).get(url, { headers, agent, ...tls, signal });
    try {
      const [answer] = (await once(request, "response")) as [http.IncomingMessage];
      if (answer.statusCode !== 200) {
        answer.destroy();
        throw new Error(`found status ${answer.statusCode ?? 0}, expected 200`);
      }
      for await (const line of createInterface({ input: answer })) onLine(line);
    } catch (error) {
      if (!signal.aborted) throw this.unreachable(error);
    }
  }

  /** How a path is reached, for what speaks another protocol there. */
  wayTo(path: string): { readonly url: URL; readonly options: https.RequestOptions } {
    const { headers, tls } = this.credentials({});
    return { url: new URL(path, this.access.server), options: { headers: { ...headers }, ...tls } };
  }

  private compareClocks({ headers: { date } }: Answer): void {
    const ahead = Date.parse(date ?? "") - Date.now();
    this.ahead = Math.abs(ahead) > greatestSkew ? ahead : 0;
  }

  private credentials({ headers }: Question): Required<Pick<Call, "headers" | "tls" | "agent">> {
    const { ca, certificate, key, token } = this.access;
    return {
      headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      tls: { ...(ca && { ca }), ...(certificate && { cert: certificate }), ...(key && { key }) },
      agent: this.agent,
    };
  }

  unreachable(error: unknown): UnreachableError {
    return new UnreachableError(`cluster ${this.name} can't be reached: ${reason(error)}`);
  }
}

/** Headers tell whole seconds, and answers take their time. In milliseconds. */
const greatestSkew = 60_000;

interface Call extends Question {
  readonly tls?: https.RequestOptions;
  /** @default a connection of its own */
  readonly agent?: http.Agent;
}

/** One HTTP request and its whole answer; any status is an answer. */
export function ask(
  url: URL,
  { method = "GET", headers = {}, body, timeoutSeconds = 10, tls = {}, agent }: Call = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const content = body === undefined ? undefined : JSON.stringify(body);
    const request = (url.protocol === "https:" ? https : http).request(
      url,
      {
        method,
        headers: {
          // Without its length Node would send the body of a DELETE as if it were the next request.
          ...(content !== undefined && {
            "content-type": "application/json",
            "content-length": String(Buffer.byteLength(content)),
          }),
          ...headers,
        },
        ...tls,
        agent: agent ?? false,
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
    request.on("error", (error) => {
      // A kept connection may have been closed at the other end at this moment.
      if (request.reusedSocket && hasCode(error, "ECONNRESET")) {
        resolve(ask(url, { method, headers, body, timeoutSeconds, tls }));
        return;
      }
      reject(
        error.name === "TimeoutError" || error.name === "AbortError"
          ? new Error(`no answer within ${timeoutSeconds} s`)
          : error,
      );
    });
    request.end(content);
  });
}
