import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Toolbox } from "../../tools/acquire";
import { Server } from "./ownNamespaces";

const run = promisify(execFile);

/** A container as `docker inspect` tells it. */
export interface Inspected {
  readonly id: string;
  readonly startedAt: string;
  readonly status: string;
}

export const composeProject = "pyairtable";
const image = "pyairtable/podinfo:1";

/**
 * The machine of the monorepo: a real Docker daemon and a real sshd, both of this process alone. Its containers carry
 * the names and labels that compose gives, which isn't to be had here; they run podinfo on the machine's own network.
 */
export class ComposeHost {
  /** `ssh://root@127.0.0.1:port` */
  readonly address: string;
  /** The host's public key as config has it; known once it is started. */
  hostKey = "";
  private server: Server | undefined;
  private sshd: Server | undefined;
  private stopAgent: (() => void) | undefined;

  private constructor(
    private readonly tools: Toolbox,
    private readonly folder: string,
    private readonly sshPort: number,
  ) {
    this.address = `ssh://root@127.0.0.1:${sshPort}`;
  }

  static async start(tools: Toolbox): Promise<ComposeHost> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "compose-host-"));
    const host = new ComposeHost(tools, folder, await freePort());
    try {
      await host.startDaemon();
      await host.startSsh();
      await host.makeImage();
    } catch (error) {
      await host.stop();
      throw error;
    }
    return host;
  }

  /** The local socket, which only the machine itself has. */
  get socket(): string {
    return this.file("docker.sock");
  }

  get agentSocket(): string {
    return this.file("agent.sock");
  }

  /** As `docker compose up` would, if it made one of this name. */
  async runContainer(name: string, service: string, listen: { host: string; port: number }): Promise<void> {
    await this.docker(
      ...["run", "--detach", "--name", name, "--network", "host", "--restart", "unless-stopped"],
      ...["--label", `com.docker.compose.project=${composeProject}`],
      ...["--label", `com.docker.compose.service=${service}`],
      ...["--env", `PODINFO_UI_MESSAGE=${service}`, image],
      ...["/podinfo", "--host", listen.host, "--port", String(listen.port), "--level", "error"],
    );
  }

  async inspect(name: string): Promise<Inspected> {
    const format = "{{.Id}} {{.State.StartedAt}} {{.State.Status}}";
    const [id = "", startedAt = "", status = ""] = (
      await this.docker("inspect", "--format", format, name)
    ).split(" ");
    return { id, startedAt, status };
  }

  async docker(...args: string[]): Promise<string> {
    const { stdout } = await run(this.tools.path("docker"), ["--host", `unix://${this.socket}`, ...args]);
    return stdout.trim();
  }

  async stop(): Promise<void> {
    this.stopAgent?.();
    await this.sshd?.stop();
    // Ended in order, a container takes its control groups with it.
    const containers = await this.docker("ps", "--all", "--quiet").catch(() => "");
    if (containers !== "") await this.docker("rm", "--force", ...containers.split("\n"));
    await this.server?.stop();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  private file(name: string): string {
    return path.join(this.folder, name);
  }

  private async startDaemon(): Promise<void> {
    const { tools } = this;
    const parts = ["dockerd", "containerd", "runc"] as const;
    this.server = await Server.start({
      command: [
        tools.path("dockerd"),
        ...["--iptables=false", "--ip6tables=false", "--bridge=none", "--userland-proxy=false"],
        ...["--data-root", this.file("data"), "--exec-root", this.file("exec")],
        ...["--pidfile", this.file("docker.pid"), "--host", `unix://${this.socket}`, "--group", "root"],
      ],
      environment: {
        PATH: [...parts.map((part) => path.dirname(tools.path(part))), "/usr/sbin:/usr/bin:/sbin:/bin"].join(
          ":",
        ),
      },
      logFile: this.file("dockerd.log"),
      ready: async () => {
        await this.docker("version");
      },
    });
  }

  /** Podinfo and nothing else. */
  private async makeImage(): Promise<void> {
    fs.mkdirSync(this.file("image"));
    fs.copyFileSync(this.tools.path("podinfo"), this.file("image/podinfo"));
    await run("tar", ["--create", "--file", this.file("image.tar"), "-C", this.file("image"), "podinfo"]);
    await this.docker("import", this.file("image.tar"), image);
  }

  private async startSsh(): Promise<void> {
    const { tools } = this;
    for (const key of ["host", "user"]) {
      await run(tools.path("ssh-keygen"), ["-q", "-t", "ed25519", "-N", "", "-f", this.file(key)]);
    }
    const [kind = "", key = ""] = fs.readFileSync(this.file("host.pub"), "utf8").split(" ");
    this.hostKey = `${kind} ${key}`;
    fs.writeFileSync(
      this.file("sshd_config"),
      [
        `Port ${this.sshPort}`,
        "ListenAddress 127.0.0.1",
        `HostKey ${this.file("host")}`,
        `AuthorizedKeysFile ${this.file("user.pub")}`,
        "StrictModes no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "UsePAM no",
        "PidFile none",
        `SetEnv DOCKER_HOST=unix://${this.socket} PATH=${path.dirname(tools.path("docker"))}:/usr/bin:/bin`,
        "",
      ].join("\n"),
    );
    const users = fs.readFileSync("/etc/passwd", "utf8");
    const separated = /^sshd:/m.test(users) ? "" : "sshd:x:64999:65534::/run/sshd:/usr/sbin/nologin\n";
    fs.writeFileSync(this.file("passwd"), `${users.trimEnd()}\n${separated}`);
    this.sshd = await Server.start({
      // The user that it gives up its rights to, and its empty folder: nothing of it outside its own mounts.
      prepare: [
        `mount --bind '${this.file("passwd")}' /etc/passwd`,
        "mount -t tmpfs tmpfs /run",
        "mkdir /run/sshd",
      ],
      command: [tools.path("sshd"), "-D", "-e", "-f", this.file("sshd_config")],
      logFile: this.file("sshd.log"),
      ready: () => connects(this.sshPort),
    });
    const agent = spawn(tools.path("ssh-agent"), ["-D", "-a", this.agentSocket], { stdio: "ignore" });
    this.stopAgent = () => void agent.kill();
    while (!fs.existsSync(this.agentSocket)) await sleep(20);
    const environment = { ...process.env, SSH_AUTH_SOCK: this.agentSocket };
    await run(tools.path("ssh-add"), ["-q", this.file("user")], { env: environment });
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  server.close();
  if (bound === null || typeof bound === "string") throw new Error("no TCP address");
  return bound.port;
}

async function connects(port: number): Promise<void> {
  const socket = net.connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
  } finally {
    socket.destroy();
  }
}
