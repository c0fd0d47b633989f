import { PassThrough, type Readable } from "node:stream";
import type { WebSocket } from "ws";
import { z } from "zod";
import { type KubeApi, UnreachableError } from "./kubeApi";
import { openSocket } from "./socket";

export interface PodCommand {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Without a shell. Everybody who may list processes can read it: nothing secret. */
  readonly command: readonly string[];
  /** Given to the command on stdin, which ends after it. @default nothing */
  readonly input?: string;
  /** Lets go of the command; what it does in the pod goes on until it notices. */
  readonly signal?: AbortSignal;
}

/** How a command ended. */
export interface Ended {
  readonly exitCode: number;
  /** The last of what it wrote to stderr. */
  readonly errors: string;
}

/** A command that runs in a container. */
export interface RunningCommand {
  /** What it writes to stdout; it waits while nobody reads. */
  readonly output: Readable;
  /** To be awaited after `output` was read: only then is it known that nothing is missing. @throws UnreachableError when the connection breaks before */
  readonly ended: Promise<Ended>;
}

/** The subprotocol that can close stdin by itself: Kubernetes 1.30 and newer. */
const protocol = "v5.channel.k8s.io";
const channels = { stdin: 0, stdout: 1, stderr: 2, status: 3, close: 255 } as const;
const keptErrors = 8_192;

/** Starts a command in a container that runs, as `kubectl exec` does. @throws UnreachableError */
export async function startInPod(api: KubeApi, wanted: PodCommand): Promise<RunningCommand> {
  const { namespace, pod, container, command, input = "", signal } = wanted;
  const query = new URLSearchParams({ container, stdin: "true", stdout: "true", stderr: "true" });
  for (const part of command) query.append("command", part);
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/exec?${query.toString()}`;
  const socket = await openSocket(api, path, protocol, signal);
  const running = follow(socket, `${pod}: ${command[0] ?? ""}`, signal);
  if (input !== "") socket.send(Buffer.concat([Buffer.of(channels.stdin), Buffer.from(input)]));
  socket.send(Buffer.of(channels.close, channels.stdin));
  return running;
}

/**
 * Runs a command to its end and resolves to what it wrote to stdout.
 * @throws UnreachableError, or Error with its last words when it fails
 */
export async function runInPod(api: KubeApi, wanted: PodCommand): Promise<string> {
  const { output, exitCode, errors } = await collectInPod(api, wanted);
  if (exitCode === 0) return output;
  const said = [errors, output].map((text) => text.trim()).find((text) => text !== "") ?? "it said nothing";
  throw new Error(`${wanted.pod}: ${wanted.command[0] ?? ""} failed (exit code ${exitCode}): ${said}`);
}

/** The same, for what may fail. @throws UnreachableError */
export async function collectInPod(
  api: KubeApi,
  wanted: PodCommand,
): Promise<Ended & { readonly output: string }> {
  const { output, ended } = await startInPod(api, wanted);
  let text = "";
  output.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  return { ...(await ended), output: text };
}

function follow(socket: WebSocket, what: string, signal: AbortSignal | undefined): RunningCommand {
  const output = new PassThrough();
  let errors = "";
  let status: string | undefined;
  socket.on("message", (data) => {
    const [channel, content] = message(data);
    if (channel === channels.stdout && !output.destroyed && !output.write(content)) socket.pause();
    if (channel === channels.stderr) errors = (errors + content.toString("utf8")).slice(-keptErrors);
    if (channel === channels.status) status = content.toString("utf8");
  });
  output.on("drain", () => socket.resume());
  // Nobody wants the rest.
  output.on("close", () => socket.terminate());
  const onAbort = (): void => socket.terminate();
  signal?.addEventListener("abort", onAbort, { once: true });

  let broken = "it was closed";
  socket.on("error", (error) => (broken = error.message));
  const end = async (): Promise<Ended> => {
    await new Promise((resolve) => socket.once("close", resolve));
    signal?.removeEventListener("abort", onAbort);
    output.end();
    signal?.throwIfAborted();
    if (status === undefined) {
      throw new UnreachableError(`${what}: the connection to it was lost before it ended: ${broken}`);
    }
    return { exitCode: exitCodeOf(status, what), errors };
  };
  const ended = end();
  socket.resume();
  // It is awaited after the output, and may fail before.
  ended.catch(() => {});
  return { output, ended };
}

function message(data: Buffer | ArrayBuffer | Buffer[]): readonly [channel: number | undefined, Buffer] {
  const buffer = Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data);
  return [buffer[0], buffer.subarray(1)];
}

const statusSchema = z.object({
  status: z.string(),
  message: z.string().optional(),
  reason: z.string().optional(),
  details: z
    .object({
      causes: z.array(z.object({ reason: z.string().optional(), message: z.string().optional() })).optional(),
    })
    .optional(),
});

function exitCodeOf(status: string, what: string): number {
  const parsed = statusSchema.parse(JSON.parse(status));
  if (parsed.status === "Success") return 0;
  const code = parsed.details?.causes?.find(({ reason }) => reason === "ExitCode")?.message;
  if (parsed.reason === "NonZeroExitCode" && code !== undefined) return Number(code);
  throw new Error(`${what} could not be run: ${parsed.message ?? status}`);
}
