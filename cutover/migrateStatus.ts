import type { RoutedTargetName } from "../catalog";
import { readStepEvidence } from "../cluster/stepEvidence";
import { readStepJobs } from "../cluster/stepJobs";
import { fingerprintOf } from "../database/fingerprint";
import type { SqlSession } from "../database/session";
import { identityOf } from "../migration";
import { type Contracted, type ContractedOptions, contractedBy, restoreToBefore } from "./contracted";
import { type ExitCode, exitCodes } from "./exitCodes";
import { type MigrateOptions, adminSession, migrateContext } from "./migrateContext";
import { Report } from "./report";

/** Where a target's schema stands: what its releases need, what was prepared, what is there. */
export async function stepStatus(target: RoutedTargetName, options: MigrateOptions): Promise<ExitCode> {
  const { json, signal } = options;
  const report = new Report({ json });
  const context = await migrateContext(target, options, report);
  const { api, namespace, database } = context;
  const { migration: wanted, instance, kept } = database;
  const [evidence, jobs] = await Promise.all([
    readStepEvidence(api, namespace).then((all) => all.get(target) ?? []),
    readStepJobs(api, namespace),
  ]);
  const session = await adminSession(context, { signal });
  const { live, contracted } = await stateOf(session, { steps: evidence, instances: [instance, ...kept] });
  const isWanted = ({ image }: { readonly image: string }): boolean =>
    wanted !== undefined && identityOf(image) === identityOf(wanted);
  const standing = ({ before, after }: { readonly before: string; readonly after: string }): string => {
    if (after === live) return "applied";
    return before === live ? "may be applied" : "void: the schema is another";
  };
  const steps = evidence.map((each) => ({
    image: each.image,
    kind: each.kind,
    reversible: each.reversible,
    preparedAt: each.preparedAt,
    wanted: isWanted(each),
    standing: standing(each),
  }));
  const attempts = [...jobs]
    .filter(([name]) => name.startsWith(`${target}-step-`))
    .map(([job, state]) => ({ job, state }));
  const lines = [
    `${instance} has the schema ${live.slice(0, 12)}.`,
    wanted === undefined ? "Its releases need no step." : `Its releases need ${wanted}.`,
    ...steps.map(
      ({ image, kind, reversible, preparedAt, standing: how }) =>
        `  ${preparedAt}  ${kind}, ${reversible ? "reversible" : "not reversible"}, ${how}: ${image}`,
    ),
    ...attempts.map(({ job, state }) => `  ${job}: ${state}`),
    ...(wanted !== undefined &&
    !steps.some((step) => step.wanted && step.standing !== "void: the schema is another")
      ? [`It isn't prepared for this schema: cutover migrate ${target} --prepare`]
      : []),
    ...(contracted ? [contractedText(target, contracted)] : []),
  ];
  report.result(lines.join("\n"), {
    target,
    instance,
    live,
    wanted: wanted ?? null,
    steps,
    attempts,
    contracted: contracted
      ? {
          ...contracted,
          begunAt: contracted.begunAt.toISOString(),
          wayBack: restoreToBefore(target, contracted),
        }
      : null,
  });
  return exitCodes.done;
}

async function stateOf(
  session: SqlSession,
  known: ContractedOptions,
): Promise<{ readonly live: string; readonly contracted: Contracted | undefined }> {
  try {
    return { live: await fingerprintOf(session), contracted: await contractedBy(session, known) };
  } finally {
    await session.close();
  }
}

function contractedText(target: RoutedTargetName, contracted: Contracted): string {
  const { image, begunAt, isFinished } = contracted;
  const where = isFinished ? "Past" : "Half-way in";
  return `${where} the contract step ${image}, begun ${begunAt.toISOString()}: neither legacy nor a release from before it can live with this schema. The way back is a restore, which lists what was written since: ${restoreToBefore(target, contracted)}`;
}
