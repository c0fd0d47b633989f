import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { monorepoOf, monorepoSchema } from "../../../config/monorepoSchema";
import type { Monorepo } from "../../../monorepo/containers";

/** A Docker daemon's socket, for answers that a real one gives only in trouble; test/e2e asks a real one. */
export class DaemonStub {
  private readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "daemon-"));
  readonly socket = path.join(this.folder, "docker.sock");
  readonly asked: string[] = [];
  private readonly server: http.Server;

  private constructor(answer: (asked: string) => { status: number; body: string }) {
    this.server = http.createServer((request, response) => {
      const asked = `${request.method ?? ""} ${decodeURIComponent(request.url ?? "")}`;
      this.asked.push(asked);
      const { status, body } = answer(asked);
      response.writeHead(status).end(body);
    });
  }

  static async start(answer: (asked: string) => { status: number; body: string }): Promise<DaemonStub> {
    const stub = new DaemonStub(answer);
    stub.server.listen(stub.socket);
    await once(stub.server, "listening");
    return stub;
  }

  /** A compose project `pyairtable` on this daemon, with compose's own names. */
  get monorepo(): Monorepo {
    return monorepoOf(monorepoSchema.parse({ host: `unix://${this.socket}`, project: "pyairtable" }));
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
    fs.rmSync(this.folder, { recursive: true });
  }
}

/** A container as the daemon lists it. */
export function listed(name: string, state: string): object {
  return { Id: `id-of-${name}`, Names: [`/${name}`], Image: "pyairtable/app:1", State: state };
}

export function ok(body: unknown): { status: number; body: string } {
  return { status: 200, body: JSON.stringify(body) };
}
