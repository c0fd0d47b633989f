import { spawn } from "node:child_process";
import http from "node:http";
import net from "node:net";
import { Duplex } from "node:stream";
import { z } from "zod";
import { type Answer, type Question, ask } from "../cluster/kubeApi";
import { reason } from "../cluster/thrown";
import { type DaemonAddress, destination, formatAddress, sshOptions } from "./address";

/** The monorepo's Docker daemon can't be reached, or refuses. */
export class DaemonError extends Error {
  override readonly name = "DaemonError";
}

/** A container of the compose project as the daemon lists it. */
export interface Container {
  readonly id: string;
  readonly name: string;
  /** The image's name as compose gave it. */
  readonly image: string;
  /** `running`, `exited`, `created`, `paused`, … */
  readonly state: string;
}

const containerList = z.array(
  z.object({
    Id: z.string(),
    Names: z.array(z.string()),
    Image: z.string(),
    State: z.string(),
  }),
);

const complaint = z.object({ message: z.string() });

/** Answered by every daemon from Docker 19.03 on, the newest included. */
const apiVersion = "v1.40";

/** A handshake over ssh takes its time on a busy machine. */
const timeoutSeconds = 20;
/** The daemon answers when the container has ended, at the latest after the grace period that compose gave it. */
const stopTimeoutSeconds = 330;

/** The few calls to the Docker Engine API that the program makes by itself; ssh is the machine's own. */
export class Daemon {
  private readonly agent: http.Agent;

  constructor(private readonly address: DaemonAddress) {
    this.agent = new DialingAgent(address);
  }

  /** For messages. */
  get name(): string {
    return formatAddress(this.address);
  }

  /** All containers of a compose project, stopped ones included. @throws DaemonError */
  async containersOf(project: string): Promise<readonly Container[]> {
    const filters = encodeURIComponent(JSON.stringify({ label: [`com.docker.compose.project=${project}`] }));
    const { body } = await this.call(`/containers/json?all=true&filters=${filters}`, {}, [200]);
    const listed = containerList.safeParse(parsed(body));
    if (!listed.success)
      throw new DaemonError(`daemon ${this.name}: found no list of containers in its answer`);
    return listed.data.map(({ Id, Names, Image, State }) => ({
      id: Id,
      // The daemon's own form has a slash in front.
      name: (Names[0] ?? "").replace(/^\//, ""),
      image: Image,
      state: State,
    }));
  }

  /** Does nothing to one that runs. @throws DaemonError */
  async start({ id }: Container): Promise<void> {
    await this.call(`/containers/${id}/start`, { method: "POST" }, [204, 304]);
  }

  /** Within the container's own grace period; does nothing to one that is stopped. @throws DaemonError */
  async stop({ id }: Container): Promise<void> {
    const question: Question = { method: "POST", timeoutSeconds: stopTimeoutSeconds };
    await this.call(`/containers/${id}/stop`, question, [204, 304]);
  }

  private async call(path: string, question: Question, expected: readonly number[]): Promise<Answer> {
    const answer = await this.answerTo(path, question);
    if (expected.includes(answer.status)) return answer;
    const said = complaint.safeParse(parsed(answer.body)).data?.message ?? answer.body.slice(0, 300);
    throw new DaemonError(`daemon ${this.name}: found status ${answer.status} for ${path}: ${said}`);
  }

  private async answerTo(path: string, question: Question): Promise<Answer> {
    try {
      const url = new URL(`/${apiVersion}${path}`, "http://docker");
      return await ask(url, { timeoutSeconds, ...question, agent: this.agent });
    } catch (error) {
      throw new DaemonError(`the monorepo's daemon ${this.name} can't be reached: ${reason(error)}`);
    }
  }
}

/** A connection per request: an ssh that is kept would keep the process alive. */
class DialingAgent extends http.Agent {
  constructor(private readonly address: DaemonAddress) {
    super({ keepAlive: false });
  }

  override createConnection(): Duplex {
    return this.address.kind === "unix" ? net.connect(this.address.socket) : overSsh(this.address);
  }
}

/** As Docker's own command line does it: the daemon's socket, by way of `docker` at the other end. */
function overSsh(address: Extract<DaemonAddress, { kind: "ssh" }>): Duplex {
  const port = address.port === undefined ? [] : ["-p", String(address.port)];
  const options = [...sshOptions(address), "-o", "ConnectTimeout=10", "-T", ...port];
  const child = spawn("ssh", [...options, "--", destination(address), "docker", "system", "dial-stdio"], {
    stdio: "pipe",
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const stream = new Duplex({
    read: () => child.stdout.resume(),
    write: (chunk: Buffer, _encoding, done) => void child.stdin.write(chunk, done),
    final: (done) => void child.stdin.end(done),
    destroy: (error, done) => {
      child.kill();
      done(error);
    },
  });
  child.stdout.on("data", (chunk: Buffer) => {
    if (!stream.push(chunk)) child.stdout.pause();
  });
  child.stdin.on("error", () => {
    // Said when it ends.
  });
  child.on("error", (error) => stream.destroy(new Error(`ssh can't be run: ${error.message}`)));
  child.on("close", (code) => {
    if (code === 0) stream.push(null);
    else stream.destroy(new Error(lastLine(said) ?? `ssh ended with code ${code ?? "unknown"}`));
  });
  return stream;
}

function lastLine(text: string): string | undefined {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .at(-1);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
