import path from "node:path";
import { setTraffic } from "../config/edit";
import { LocalStack, type PulumiOptions, type PulumiResult } from "../local/localStack";
import { outDir } from "../local/paths";
import { ALL_LEGACY, type Split } from "../migration";
import type { Toolbox } from "../tools/acquire";
import { undoAll } from "./figure";
import { BenchProgram, type ProgramName } from "./program";

/** The target whose traffic is moved. */
export const target = "frontend";
export const ALL_BLUE: Split = { legacy: 0, blue: 100, green: 0 };
/** What this command keeps while it runs. */
export const stateDir = path.join(outDir, "bench");

/** What the figures share: the local stack, and the programs to compare it with, each made when first asked for. */
export class World {
  private readonly programs = new Map<ProgramName, BenchProgram>();
  private readonly undos: (() => Promise<void>)[] = [];

  private constructor(
    readonly tools: Toolbox,
    readonly stack: LocalStack,
    /** Asks for the end; commands that run go on to theirs. */
    readonly signal: AbortSignal,
  ) {}

  /** The local stack as in the checkout's file, all on legacy. The platform has to be up. */
  static async create(tools: Toolbox, signal: AbortSignal): Promise<World> {
    const stack = await LocalStack.create(tools, path.join(stateDir, "stack"));
    succeeded(await stack.up({ refresh: true }));
    return new World(tools, stack, signal);
  }

  async program(name: ProgramName): Promise<BenchProgram> {
    const known = this.programs.get(name);
    if (known !== undefined) return known;
    const program = new BenchProgram(this.tools, name, stateDir);
    // Before it is made: a creation that fails leaves something too.
    this.undos.unshift(() => program.remove());
    await program.create();
    this.programs.set(name, program);
    return program;
  }

  /** Commits a split of the target and applies it; nothing happens when the file has it already. @returns seconds */
  async move(split: Split, options: PulumiOptions = {}): Promise<number> {
    const text = setTraffic(this.stack.readStackFile(), target, split);
    if (text !== this.stack.readStackFile()) await this.stack.commit(`${target}: move`, () => text);
    return succeeded(await this.stack.up(options)).seconds;
  }

  /** @returns seconds */
  async preview(options: PulumiOptions = {}): Promise<number> {
    return succeeded(await this.stack.preview(options)).seconds;
  }

  /** Leaves the local stack on legacy and nothing of the programs. */
  async close(): Promise<void> {
    await undoAll([...this.undos, () => this.move(ALL_LEGACY)]);
  }
}

export function succeeded(result: PulumiResult): PulumiResult {
  if (result.code !== 0) throw new Error(`pulumi failed (exit code ${result.code}):\n${result.output}`);
  return result;
}
