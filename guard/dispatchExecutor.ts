import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type Answer, ask } from "../cluster/kubeApi";
import { reason } from "../cluster/thrown";
import type { Executor, Protection, Recorded } from "./executor";
import type { Intent } from "./intents";
import { readSecretFile } from "./secretFile";

export interface DispatchOptions {
  /** Of GitHub's REST API. */
  readonly api: URL;
  /** `owner/name` */
  readonly repository: string;
  /** May run workflows of that repository, and nothing else. */
  readonly tokenFile: string;
  readonly stack: string;
  /** Between two looks at a run, in milliseconds. */
  readonly pollMs: number;
}

/** A workflow, and how the run that is meant is told from its others. */
interface Asked {
  readonly workflow: "rollback" | "read-only";
  /** Its `run-name`. */
  readonly title: string;
  readonly inputs: Readonly<Record<string, string>>;
}

const runsSchema = z.object({
  workflow_runs: z.array(
    z.object({
      id: z.int(),
      display_title: z.string(),
      created_at: z.iso.datetime(),
      status: z.string().nullable(),
      conclusion: z.string().nullable(),
      html_url: z.string(),
    }),
  ),
});

type Run = z.infer<typeof runsSchema>["workflow_runs"][number];

/** The workflow's own limit is 75 minutes. */
const longestMs = 80 * 60_000;
/** How long a run that was asked for may stay unseen. */
const appearsWithinMs = 2 * 60_000;
/** GitHub's clock, and this machine's. */
const clockErrorMs = 30_000;
/** How many lines of GitHub's own words an error shows. */
const shown = 200;

/** Lets the workflows commit, update and push. It needs no checkout, and no credentials but for that. */
export class DispatchExecutor implements Executor {
  constructor(private readonly options: DispatchOptions) {}

  protect({ target, because, since }: Protection): Promise<Recorded> {
    const title = `read-only (${target}) on ${this.options.stack}`;
    return this.carryOut({ workflow: "read-only", title, inputs: { target, because } }, since);
  }

  record(intent: Intent): Promise<Recorded> {
    return this.carryOut(this.rollback("1", intent.target, { because: intent.because }), intent.since);
  }

  async recordTogether(intents: readonly Intent[]): Promise<Recorded> {
    const [first] = intents;
    if (first === undefined) return { done: true, problems: [] };
    const because = intents
      .map((each) => each.because)
      .join("; ")
      .slice(0, shown);
    const since = new Date(Math.min(...intents.map((each) => each.since.getTime())));
    // The workflow asks for a target whatever the level; at level 2 it is of no account.
    return this.carryOut(this.rollback("2", first.target, { because, keepTraffic: "true" }), since);
  }

  private rollback(level: "1" | "2", target: string, others: Asked["inputs"]): Asked {
    const title = `level ${level} (${target}) on ${this.options.stack}`;
    return { workflow: "rollback", title, inputs: { level, target, ...others } };
  }

  /** A run that a guard before this one has asked for is waited for, not asked for again. */
  private async carryOut(asked: Asked, since: Date): Promise<Recorded> {
    try {
      const found = await this.newestRun(asked, since);
      if (found === undefined || hasFailed(found)) await this.dispatch(asked);
      return await this.await(asked, since, found);
    } catch (error) {
      return { done: false, why: reason(error) };
    }
  }

  private async dispatch({ workflow, inputs }: Asked): Promise<void> {
    const { stack } = this.options;
    const answer = await this.ask("POST", `actions/workflows/${workflow}.yml/dispatches`, {
      ref: "main",
      inputs: { ...inputs, stack },
    });
    if (answer.status < 300) return;
    throw new Error(`the ${workflow} workflow: found ${statusText(answer)}, expected 204`);
  }

  private async await(asked: Asked, since: Date, failedBefore: Run | undefined): Promise<Recorded> {
    const which = `the ${asked.workflow} workflow`;
    const startedAt = Date.now();
    const failedId = failedBefore !== undefined && hasFailed(failedBefore) ? failedBefore.id : undefined;
    for (;;) {
      const run = await this.newestRun(asked, since).catch(() => undefined);
      const isNew = run !== undefined && run.id !== failedId;
      if (isNew && run.status === "completed") {
        if (run.conclusion === "success") return { done: true, problems: [] };
        return {
          done: false,
          why: `${which} ended with ${run.conclusion ?? "nothing"}: ${run.html_url}`,
        };
      }
      const waited = Date.now() - startedAt;
      if (!isNew && waited > appearsWithinMs) {
        return { done: false, why: `${which} was asked for, and no run of it is seen` };
      }
      if (waited > longestMs) return { done: false, why: `${which} hasn't ended in time` };
      await sleep(this.options.pollMs);
    }
  }

  private async newestRun({ workflow, title }: Asked, since: Date): Promise<Run | undefined> {
    const answer = await this.ask(
      "GET",
      `actions/workflows/${workflow}.yml/runs?event=workflow_dispatch&per_page=50`,
    );
    if (answer.status !== 200)
      throw new Error(`the runs of the ${workflow} workflow: found ${statusText(answer)}`);
    const { workflow_runs } = runsSchema.parse(JSON.parse(answer.body));
    const earliest = since.getTime() - clockErrorMs;
    return workflow_runs
      .filter((run) => run.display_title === title && Date.parse(run.created_at) >= earliest)
      .toSorted((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at))[0];
  }

  private ask(method: "GET" | "POST", path: string, body?: object): Promise<Answer> {
    const { api, repository, tokenFile } = this.options;
    const base = api.href.endsWith("/") ? api.href : `${api.href}/`;
    return ask(new URL(`repos/${repository}/${path}`, base), {
      method,
      headers: {
        authorization: `Bearer ${readSecretFile(tokenFile)}`,
        accept: "application/vnd.github+json",
        "x-github-api-version": "2022-11-28",
        "user-agent": "pyairtable-guard",
      },
      ...(body && { body }),
    });
  }
}

function hasFailed({ status, conclusion }: Run): boolean {
  return status === "completed" && conclusion !== "success";
}

function statusText({ status, body }: Answer): string {
  return `status ${status} (${body.slice(0, shown)})`;
}
