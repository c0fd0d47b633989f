import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setEnvironment } from "../support/kubeconfig";

/** DOCKER_CONFIG of this process: a folder of its own, until `remove`. */
export class DockerConfig {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "docker-config-"));
  readonly file = path.join(this.folder, "config.json");
  private readonly restore = [
    setEnvironment("DOCKER_CONFIG", this.folder),
    setEnvironment("PATH", `${this.folder}${path.delimiter}${process.env["PATH"] ?? ""}`),
  ];

  /** @param content as it is, or as JSON */
  write(content: unknown): void {
    fs.writeFileSync(this.file, typeof content === "string" ? content : JSON.stringify(content));
  }

  /** What `docker login` writes. */
  login(host: string, username: string, password: string): void {
    const auth = Buffer.from(`${username}:${password}`).toString("base64");
    this.write({ auths: { [host]: { auth } } });
  }

  /** A credential helper on PATH. @param script of sh; its stdin is the host */
  helper(name: string, script: string): void {
    fs.writeFileSync(path.join(this.folder, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`, {
      mode: 0o755,
    });
  }

  remove(): void {
    for (const restore of this.restore) restore();
    fs.rmSync(this.folder, { recursive: true });
  }
}
