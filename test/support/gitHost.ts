import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";

/** A real git host: bare repositories, served by git's own HTTP backend to whoever has the token. */
export class GitHost {
  readonly token = "ghs_only-for-this-test";
  /** `Authorization` headers of the requests that were let in. */
  readonly admitted: string[] = [];

  private hanging: string | undefined;

  private constructor(
    private readonly folder: string,
    private readonly server: http.Server,
  ) {}

  static async start(): Promise<GitHost> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "git-host-"));
    const server = http.createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const host = new GitHost(folder, server);
    server.on("request", (request, response) => host.answer(request, response));
    return host;
  }

  get baseUrl(): string {
    const address = this.server.address();
    assert(typeof address === "object" && address !== null);
    return `http://127.0.0.1:${address.port}`;
  }

  /** A repository with a file per path, two branches and a tag. */
  create(repository: string, files: Readonly<Record<string, string>> = { "README.md": repository }): void {
    const source = path.join(this.folder, `${repository}-source`);
    fs.mkdirSync(source);
    const git = (...args: string[]): string => this.git(source, ...args);
    git("init", "--quiet", "--initial-branch=trunk");
    for (const [file, text] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(source, file)), { recursive: true });
      fs.writeFileSync(path.join(source, file), text);
    }
    git("add", ".");
    git("commit", "--quiet", "--message", "First");
    git("tag", "--annotate", "v1.0.0", "--message", "First release");
    git("branch", "main");
    git("commit", "--quiet", "--allow-empty", "--message", "Second");
    git("clone", "--quiet", "--mirror", source, this.bare(repository));
  }

  /** From now on it lets whoever asks for that repository wait, until `end`. */
  hangOn(repository: string): { end(): void } {
    this.hanging = repository;
    return {
      end: () => {
        this.hanging = undefined;
      },
    };
  }

  /** All refs of a repository, and what its HEAD is. */
  refs(repository: string): string {
    return refsOf(this.bare(repository));
  }

  bare(repository: string): string {
    return path.join(this.folder, `${repository}.git`);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  private git(folder: string, ...args: string[]): string {
    const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
    return execFileSync("git", ["-C", folder, ...identity, ...args], { encoding: "utf8" });
  }

  private answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const wanted = `Basic ${Buffer.from(`x-access-token:${this.token}`).toString("base64")}`;
    const { authorization } = request.headers;
    if (authorization !== wanted) {
      response.writeHead(401, { "WWW-Authenticate": 'Basic realm="git"' }).end();
      return;
    }
    this.admitted.push(authorization);
    const url = new URL(request.url ?? "/", this.baseUrl);
    if (this.hanging !== undefined && url.pathname.startsWith(`/${this.hanging}.git/`)) return;
    const backend = spawn("git", ["http-backend"], {
      env: {
        ...process.env,
        GIT_PROJECT_ROOT: this.folder,
        GIT_HTTP_EXPORT_ALL: "1",
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers["content-type"] ?? "",
        GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
        HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      },
      stdio: ["pipe", "pipe", "ignore"],
    });
    request.pipe(backend.stdin);
    const chunks: Buffer[] = [];
    backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    backend.on("close", () => {
      const answer = Buffer.concat(chunks);
      const end = answer.indexOf("\r\n\r\n");
      const lines = answer.subarray(0, end).toString().split("\r\n");
      const headers = new Map(
        lines.map((line) => [line.split(": ", 1).join(), line.replace(/^[^:]*: /, "")]),
      );
      const status = Number.parseInt(headers.get("Status") ?? "200", 10);
      headers.delete("Status");
      response.writeHead(status, Object.fromEntries(headers)).end(answer.subarray(end + 4));
    });
  }
}

export function refsOf(bareRepository: string): string {
  const git = (...args: string[]): string =>
    execFileSync("git", ["-C", bareRepository, ...args], { encoding: "utf8" });
  return git("symbolic-ref", "HEAD") + git("for-each-ref", "--format=%(objectname) %(refname)");
}
