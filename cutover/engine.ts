import fs from "node:fs";
import path from "node:path";
import {
  type EngineEvent,
  CommandError,
  ConcurrentUpdateError,
  LocalWorkspace,
  Stack,
  StackNotFoundError,
} from "@pulumi/pulumi/automation";
import { type Applied, parseOutputs } from "../stack/outputs";
import { stopOnceStarted } from "./stopOnceStarted";
import { type PendingOperation, type StackState, parseStackState } from "./stackState";
import { UpdateEvents, type UpdateProgress } from "./updateEvents";

export type { PendingOperation } from "./stackState";
export type { UpdateProgress } from "./updateEvents";

export interface EngineOptions {
  /** Where Pulumi.yaml is. */
  readonly projectDir: string;
  readonly stack: string;
  /** The stack file, which need not be beside Pulumi.yaml. Absolute. */
  readonly configFile: string;
}

export interface UpdateOptions {
  /** What the stack's history says about it. */
  readonly message: string;
  /** Ends the update in order: what was begun is finished, nothing else is, and the lock is given back. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: UpdateProgress) => void;
  /** Looks first at what really exists. @default false */
  readonly refresh?: boolean;
  /** The folder of a policy pack that judges every resource. @default none */
  readonly policyPack?: string;
}

export type PreviewOptions = Pick<UpdateOptions, "signal" | "refresh" | "policyPack">;

export interface PreviewResult {
  /** How many resources by what would be done to them: `{ update: 1, same: 129 }`. */
  readonly changes: Readonly<Record<string, number>>;
  readonly warnings: readonly string[];
}

export interface UpdateResult extends PreviewResult {
  readonly seconds: number;
}

/** An update or preview that failed. Its message is what was said as errors, the program's own words unchanged. */
export class UpdateFailed extends Error {
  override readonly name = "UpdateFailed";

  constructor(readonly diagnostics: readonly string[]) {
    super(diagnostics.join("\n"));
  }
}

/** A policy refuses what the program asks for. Its message names policy and resource, the policy's own words unchanged. */
export class PolicyViolated extends Error {
  override readonly name = "PolicyViolated";
}

/** Another update has the stack's lock: it runs, or it was killed. */
export class StackLocked extends Error {
  override readonly name = "StackLocked";
}

/** What is asked of Pulumi about one stack. Loading this module takes half a second: not before a route is written. */
export class Engine {
  private constructor(
    private readonly stack: Stack,
    private readonly configFile: string,
  ) {}

  /** As of `open` or of this engine's last update. */
  private state: StackState | undefined;

  /**
   * Finds the stack and reads its state; the user's own choice of a stack stays as it is.
   * @throws Error when there is no `pulumi`, no config file, no backend, no such stack, or not its passphrase
   */
  static async open({ projectDir, stack: name, configFile }: EngineOptions): Promise<Engine> {
    requireCommand("pulumi", "install it from https://www.pulumi.com/docs/install");
    requireCommand("perl", "install it, it gives the update its own process group");
    // Pulumi takes a file that isn't there for an empty one.
    if (!fs.existsSync(configFile)) throw new Error(`${configFile}: found none, expected the stack's config`);
    const workspace = await LocalWorkspace.create({
      workDir: projectDir,
      envVars: {
        PATH: [path.join(__dirname, "ownGroup"), process.env["PATH"]].join(path.delimiter),
        PULUMI_SKIP_UPDATE_CHECK: "true",
      },
    });
    // `pulumi stack select` would change what the user's own `pulumi` acts on; every command is told its stack anyway.
    workspace.selectStack = () => Promise.resolve();
    const stack = await Stack.select(name, workspace);
    // `up` asks three more processes for these, half a second together, and nobody reads them.
    stack.outputs = () => Promise.resolve({});
    stack.info = () => Promise.resolve(undefined);
    const engine = new Engine(stack, configFile);
    await engine.readState();
    return engine;
  }

  /**
   * Makes the stack what its config says.
   * @throws UpdateFailed, PolicyViolated, StackLocked, or the signal's reason when it was what ended the update
   */
  async update(asked: UpdateOptions): Promise<UpdateResult> {
    const { message, signal, onProgress, refresh = false } = asked;
    const { resources, pendingOperations } = await this.readState();
    const events = new UpdateEvents(resources, onProgress);
    const started = performance.now();
    try {
      // An update keeps for good that something was being made, also once it has made it; what is wanted it makes again.
      if (refresh && pendingOperations.some(({ type }) => type === "creating")) {
        await this.run(new UpdateEvents(), signal, (options) =>
          this.stack.refresh({ ...options, message, clearPendingCreates: true }),
        );
      }
      await this.run(events, signal, (options) =>
        this.stack.up({ ...options, ...policies(asked), message, refresh }),
      );
    } finally {
      this.state = undefined;
    }
    return {
      seconds: (performance.now() - started) / 1000,
      changes: events.changes,
      warnings: events.warnings,
    };
  }

  /** What an update would do. @throws as `update` does, but for StackLocked */
  async preview(asked: PreviewOptions = {}): Promise<PreviewResult> {
    const { signal, refresh = false } = asked;
    const events = new UpdateEvents();
    await this.run(events, signal, (options) =>
      this.stack.preview({ ...options, ...policies(asked), refresh }),
    );
    return { changes: events.changes, warnings: events.warnings };
  }

  /** What the last successful update left, as of `open` or of this engine's last update. */
  async applied(): Promise<Applied> {
    const { outputs } = await this.readState();
    return parseOutputs(outputs);
  }

  /** The same of another stack of the project. @throws Error when it can't be read */
  async appliedOf(stack: string): Promise<Applied> {
    const { outputs } = parseStackState(await this.stack.workspace.exportStack(stack));
    return parseOutputs(outputs);
  }

  /** What a killed update had begun, as of `open` or of this engine's last update. */
  async pendingOperations(): Promise<readonly PendingOperation[]> {
    return (await this.readState()).pendingOperations;
  }

  /** Takes the stack's lock from whoever has it. An update that still runs is not ended by that. */
  async breakLock(): Promise<void> {
    try {
      await this.stack.cancel();
    } catch (error) {
      throw new Error(`stack ${this.stack.name}: the lock can't be broken: ${wordsOf(error)}`);
    }
  }

  private async readState(): Promise<StackState> {
    try {
      return (this.state ??= parseStackState(await this.stack.exportStack()));
    } catch (error) {
      const { name } = this.stack;
      if (error instanceof StackNotFoundError) {
        throw new Error(`stack ${name}: found none of that name, expected one made by pulumi stack init`);
      }
      throw new Error(`stack ${name} can't be read: ${wordsOf(error)}`);
    }
  }

  private async run(
    events: UpdateEvents,
    signal: AbortSignal | undefined,
    start: (options: OperationOptions) => Promise<unknown>,
  ): Promise<void> {
    signal?.throwIfAborted();
    const stop = stopOnceStarted(signal);
    try {
      await start({
        color: "never",
        suppressOutputs: true,
        suppressProgress: true,
        configFile: this.configFile,
        signal: stop.signal,
        onEvent: (event) => {
          stop.started();
          events.take(event);
        },
      });
    } catch (error) {
      if (error instanceof ConcurrentUpdateError) throw new StackLocked(wordsOf(error));
      signal?.throwIfAborted();
      if (!(error instanceof CommandError)) throw error;
      if (events.refusals.length > 0) throw new PolicyViolated(events.refusals.join("\n"));
      throw new UpdateFailed(events.errors.length > 0 ? events.errors : [wordsOf(error)]);
    } finally {
      stop.close();
    }
  }
}

function policies({ policyPack }: Pick<UpdateOptions, "policyPack">): { policyPacks?: string[] } {
  return policyPack === undefined ? {} : { policyPacks: [policyPack] };
}

interface OperationOptions {
  readonly color: "never";
  readonly suppressOutputs: true;
  readonly suppressProgress: true;
  readonly configFile: string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: EngineEvent) => void;
}

/** The library's own failure to find it says no more than ENOENT. */
function requireCommand(command: string, remedy: string): void {
  const folders = (process.env["PATH"] ?? "").split(path.delimiter);
  if (!folders.some((folder) => fs.existsSync(path.join(folder, command)))) {
    throw new Error(`found no ${command} on PATH: ${remedy}`);
  }
}

/** What the CLI said before it got as far as to send events. The library has it only in the middle of a message. */
export function wordsOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [, said] = /^error: ([^]*?)(?=\n err\?: |$(?![^]))/m.exec(message) ?? [];
  const [, how] = / stderr: (.*?)(?=: pulumi |$)/m.exec(message) ?? [];
  return (said ?? how ?? message).trim();
}
