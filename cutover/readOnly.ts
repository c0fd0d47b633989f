import type { RoutedTargetName } from "../catalog";
import type { KubeApi } from "../cluster/kubeApi";
import { editStackFile } from "../config/edit";
import type { StackConfig } from "../config/parse";
import { type ClusterSession, openClusterSession } from "../database/clusterSession";
import { type Writes, tryToWrite } from "../database/writes";
import { BACKENDS, type Backend, judgeUpdate } from "../migration";
import { requireCommitted } from "./committedFile";
import { confirm } from "./confirm";
import { configuredDatabase } from "./databaseOf";
import { type ExitCode, exitCodes } from "./exitCodes";
import type { Project } from "./project";
import { commitAndCarryOut } from "./recordedChange";
import { enforce } from "./refused";
import { Report } from "./report";
import { Repository } from "./repository";
import { survey } from "./survey";

type Mode = "read-only" | "read-write";

export interface ReadOnlyOptions {
  readonly project: Project;
  /** Lets the backends write again. */
  readonly off: boolean;
  /** Why, for the commit's message. */
  readonly because?: string;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly signal: AbortSignal;
}

/**
 * Takes the right to write from all backends of a target, or gives it back, and has each of them try. What was cut
 * short before is finished by asking again.
 */
export async function readOnly(target: RoutedTargetName, options: ReadOnlyOptions): Promise<ExitCode> {
  const { project, off, because, json, dryRun, yes, signal } = options;
  const mode: Mode = off ? "read-write" : "read-only";
  const report = new Report({ json });
  const repository = await Repository.containing(project.configFile);
  const surveyed = await survey(project);
  const { api, config, head } = surveyed;
  for (const line of head) report.note(line);
  const question = questionOf(target, { api, config, signal });
  await requireCommitted(project, repository);
  const before = question.mode;
  const done = { target, mode, done: true, recorded: true, healthy: true };
  const present = before === mode ? await writesOf(question) : undefined;
  if (present !== undefined && differing(mode, present).length === 0) {
    const words = `${target} is ${mode} already: ${proofOf(mode, present)}.`;
    report.result(words, { ...done, steps: [], problems: [] });
    return exitCodes.done;
  }
  enforce(judgeUpdate(surveyed.judged).refused);
  for (const line of meaning[mode]) report.note(line);
  const change =
    before === mode
      ? `${target} is ${mode} in the file, and its database isn't: apply it`
      : `pyairtable:${target}.mode: ${before} -> ${mode}`;
  if (dryRun || !(await confirm(`${change} on stack ${project.stack}?`, yes, signal))) {
    report.result(`Nothing was changed. ${change}`, { target, mode: before, done: false });
    return dryRun ? exitCodes.done : exitCodes.refused;
  }

  const why = because === undefined ? "" : ` (${because})`;
  await commitAndCarryOut({
    project,
    repository,
    api,
    edit: (text) => editStackFile(text, ["config", `pyairtable:${target}`, "mode"], mode),
    message: `${target}: ${mode}${why}`,
    report,
    signal,
    wait: true,
  });
  const found = await writesOf(question);
  const wrong = differing(mode, found);
  if (wrong.length > 0) {
    throw new Error(
      `${target} is ${mode} in git and in the state, but not in its database: ${wrong.join(", ")}; run this again`,
    );
  }
  report.step(`tried as ${BACKENDS.join(", ")}: ${proofOf(mode, found)}`);
  report.result(resultText(target, mode), { ...done, steps: report.steps, problems: report.problems });
  return exitCodes.done;
}

const meaning: Readonly<Record<Mode, readonly string[]>> = {
  "read-only": [
    "Every backend of it, legacy too, can read and no longer write, from the next statement on, in open sessions too.",
    "No pod is restarted, no traffic is moved. Users see what their service makes of a refused write.",
  ],
  "read-write": ["Every backend of it may write again, from the next statement on."],
};

const proof: Readonly<Record<Mode, string>> = {
  "read-only": "a write is refused",
  "read-write": "a write is accepted",
};

function proofOf(mode: Mode, found: Readonly<Record<Backend, Writes>>): string {
  const isEmpty = BACKENDS.every((backend) => found[backend] === "nothing to write to");
  return isEmpty ? "there is no table yet, so no write was tried" : proof[mode];
}

const expected: Readonly<Record<Mode, Writes>> = { "read-only": "refused", "read-write": "accepted" };

function resultText(target: RoutedTargetName, mode: Mode): string {
  if (mode === "read-write") return `${target} is read-write: its backends write again.`;
  return `${target} is READ-ONLY. When its data is safe again: cutover read-only ${target} --off`;
}

/** Whose writes are tried, and how. */
interface Question extends Omit<ClusterSession, "role"> {
  readonly api: KubeApi;
  readonly mode: Mode;
}

/** @throws UsageError if the target has no database */
function questionOf(
  target: RoutedTargetName,
  { api, config, signal }: { api: KubeApi; config: StackConfig; signal: AbortSignal },
): Question {
  const { database, postgresql } = configuredDatabase(target, config);
  const { namespace } = config.platform;
  return { api, mode: database.mode, namespace, image: postgresql.image, target, signal };
}

/** What each backend's own attempt to write comes to. */
async function writesOf({ api, ...session }: Question): Promise<Readonly<Record<Backend, Writes>>> {
  const attempt = async (role: Backend): Promise<Writes> => {
    const opened = await openClusterSession(api, { ...session, role });
    try {
      return await tryToWrite(opened);
    } finally {
      await opened.close();
    }
  };
  const [legacy, blue, green] = await Promise.all([attempt("legacy"), attempt("blue"), attempt("green")]);
  return { legacy, blue, green };
}

/** An empty database has nothing that could be written to. */
function differing(mode: Mode, found: Readonly<Record<Backend, Writes>>): readonly string[] {
  return BACKENDS.filter((backend) => ![expected[mode], "nothing to write to"].includes(found[backend])).map(
    (backend) => `a write as ${backend} was ${found[backend]}, expected ${expected[mode]}`,
  );
}
