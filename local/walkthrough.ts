import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { catalogEntry, routedTargets } from "../catalog";
import { ask } from "../cluster/kubeApi";
import { backendHeader } from "../cluster/names";
import { editStackFile, removeFromStackFile, setTraffic } from "../config/edit";
import { ALL_LEGACY, type Backend, type Split, holder } from "../migration";
import type { Toolbox } from "../tools/acquire";
import { interruptible } from "../tools/interrupt";
import { startAttack } from "./load/attack";
import { type Shot, receivedAt } from "./load/shot";
import { renderRollbackTable } from "./load/rollbackTable";
import { type ShotSummary, lastAnswerAfter, summarise } from "./load/statistics";
import { type StepRow, renderStepTable } from "./load/stepTable";
import type { Output } from "../terminal/output";
import { createView } from "./load/view";
import { LocalStack, type PulumiResult } from "./localStack";
import { gatewayAddress } from "./platform/gateway";
import { type UnaskedRollback, unaskedRollback } from "./unaskedRollback";

const target = "frontend";
const ratePerSecond = 160;
/** How long each split is watched after its update, so that the realised split means something. */
const watchSeconds = 4;
const maxSeconds = 900;

const image = (tag: string): string => `localhost/${catalogEntry(target).repository}:${tag}`;
const targetPath = (...keys: string[]): string[] => ["config", `pyairtable:${target}`, ...keys];

/** One step: a commit to the stack file, and the update that carries it out. */
interface Step {
  readonly name: string;
  readonly change: (stack: LocalStack) => Promise<void>;
  readonly wanted: Split;
  /** The backend that has no traffic afterwards. */
  readonly leaves?: Backend;
  /** The update must be refused, and say this. */
  readonly refusedWith?: RegExp;
}

const shares = (legacy: number, blue: number): Split => ({ legacy, blue, green: 0 });
const moves = (split: Split, name: string): Step => ({
  name,
  change: (stack) => stack.commit(`${target}: ${name}`, (text) => setTraffic(text, target, split)),
  wanted: split,
  ...(holder(split) === "blue" && { leaves: "legacy" as const }),
});

const steps: readonly Step[] = [
  {
    name: "stage blue",
    change: (stack) =>
      stack.commit(`${target}: stage blue`, (text) =>
        editStackFile(text, targetPath("blue"), image("1.0.0")),
      ),
    wanted: ALL_LEGACY,
  },
  moves(shares(90, 10), "10 % blue"),
  moves(shares(50, 50), "50 % blue"),
  moves(shares(0, 100), "100 % blue"),
  { name: "git revert", change: (stack) => stack.revert(3), wanted: ALL_LEGACY, leaves: "blue" },
  {
    name: "broken green",
    change: (stack) =>
      stack.commit(`${target}: a green that never becomes ready`, (text) =>
        setTraffic(editStackFile(text, targetPath("green"), image("broken")), target, {
          legacy: 90,
          blue: 0,
          green: 10,
        }),
      ),
    wanted: ALL_LEGACY,
    refusedWith: /Readiness probe failed|not ready|unready|ProgressDeadlineExceeded/,
  },
  { name: "revert broken", change: (stack) => stack.revert(1), wanted: ALL_LEGACY },
];

/** What `out/walkthrough.json` says about a step. */
interface StepReport extends ShotSummary {
  readonly name: string;
  readonly wanted: Split;
  readonly updateSeconds: number;
  /** From the command to the last answer of the backend that lost its traffic, in milliseconds. */
  readonly lastOldAnswerMs?: number;
}

/**
 * Walks the frontend through a cutover and back under load, showing who answers; the last way back nobody asks for.
 * Leaves everything on legacy with blue ready. @returns the number of failed requests, but for those that a candidate
 * was to fail
 */
export async function walkthrough(tools: Toolbox, dir: string, output: Output): Promise<number> {
  const stack = await LocalStack.create(tools, path.join(dir, "stack"));
  await stack.commit(`${target}: not extracted yet`, (text) => removeFromStackFile(text, targetPath("blue")));
  const view = createView(output, { targets: routedTargets });
  const reports: StepReport[] = [];
  let unasked: UnaskedRollback | undefined;
  try {
    await interruptible(async (signal) => {
      view.step("all on legacy");
      // With a refresh, because nobody knows what a crashed run or another checkout has left.
      succeeded(await stack.up({ signal, refresh: true }), "all on legacy");
      let shots: Shot[] = [];
      const attack = startAttack({
        vegeta: tools.path("vegeta"),
        gateway: gatewayAddress,
        targets: routedTargets,
        ratePerSecond,
        maxSeconds,
        signal,
        onShot: (shot) => {
          shots.push(shot);
          view.shot(shot);
        },
      });
      try {
        for (const step of steps) {
          view.step(step.name);
          shots = [];
          await step.change(stack);
          view.note(`git: ${(await stack.git("log", "-1", "--format=%s")).trim()}`);
          const commandAt = Date.now();
          const result = await stack.up({ signal });
          const updatedAt = Date.now();
          judgeUpdate(step, result, (line) => view.note(line));
          if (step.name === "stage blue") view.note(await candidateAnswer());
          await sleep(watchSeconds * 1000, undefined, { signal });
          reports.push(report(step, shots, commandAt, updatedAt, result.seconds));
        }
        view.step("nobody asked");
        const candidate = moves(shares(0, 100), "100 % blue again");
        await candidate.change(stack);
        succeeded(await stack.up({ signal }), candidate.name);
        shots = [];
        unasked = await unaskedRollback({
          ...{ tools, stack, target, signal, shots },
          candidate: "blue",
          note: (line) => view.note(line),
        });
        view.note(`git: ${(await stack.git("log", "-1", "--format=%s")).trim()}`);
      } finally {
        await attack.stop();
      }
    });
  } finally {
    view.close();
  }
  fs.writeFileSync(
    path.join(dir, "..", "walkthrough.json"),
    `${JSON.stringify({ steps: reports, unasked }, undefined, 2)}\n`,
  );
  output.write(`\n${renderStepTable(reports.map(row), output)}\n`);
  if (unasked !== undefined) output.write(`\n${renderRollbackTable(unasked, output)}\n`);
  output.write(`\n${whatNext}\n`);
  return reports.reduce((sum, { failed }) => sum + failed, unasked?.failedAfter ?? 0);
}

const whatNext = `Everything is on legacy again, and frontend's blue is ready. Try it yourself:
  eval "$(npm run -s env)"
  pulumi config set --path 'pyairtable:frontend.traffic.legacy' 0
  pulumi config set --path 'pyairtable:frontend.traffic.blue' 100
  pulumi up
  curl http://frontend.localhost:8080/
Undo it with git checkout Pulumi.local.yaml and pulumi up. Take all down with npm stop.`;

function report(
  { name, wanted, leaves }: Step,
  shots: readonly Shot[],
  commandAt: number,
  updatedAt: number,
  updateSeconds: number,
): StepReport {
  const own = shots.filter((shot) => shot.target === target);
  const { requests, failed } = summarise(shots);
  const lastOldAnswerMs = leaves && lastAnswerAfter(own, leaves, commandAt);
  return {
    ...summarise(own.filter((shot) => receivedAt(shot) > updatedAt)),
    name,
    requests,
    failed,
    wanted,
    updateSeconds,
    ...(lastOldAnswerMs !== undefined && { lastOldAnswerMs }),
  };
}

function row({ name, requests, failed, wanted, split, lastOldAnswerMs }: StepReport): StepRow {
  return { name, requests, failed, wanted, realised: split, lastOldAnswerMs };
}

function judgeUpdate({ name, refusedWith }: Step, result: PulumiResult, note: (line: string) => void): void {
  if (refusedWith === undefined) {
    succeeded(result, name);
    note(`updated in ${result.seconds.toFixed(1)} s`);
    return;
  }
  if (result.code === 0 || !refusedWith.test(result.output)) {
    throw new Error(
      `${name}: expected the update to be refused with ${String(refusedWith)}, found:\n${result.output}`,
    );
  }
  note(`refused after ${result.seconds.toFixed(1)} s, and no traffic moved:`);
  for (const line of result.output
    .split("\n")
    .filter((each) => refusedWith.test(each))
    .slice(0, 3))
    note(line.trim());
}

function succeeded({ code, output }: PulumiResult, name: string): void {
  if (code !== 0) throw new Error(`${name}: pulumi up failed:\n${output}`);
}

/** Asks for the candidate at the real URL, as the header allows before it has any weight. */
async function candidateAnswer(): Promise<string> {
  const { headers } = await ask(new URL(`http://${gatewayAddress}/`), {
    headers: { host: `${target}.localhost`, [backendHeader]: "blue" },
  });
  return `$ curl -H '${backendHeader}: blue' http://${target}.localhost:8080/  # ${String(headers[backendHeader])} answered`;
}
