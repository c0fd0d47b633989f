import type { RoutedTargetName } from "../catalog";
import type { KubeApi } from "../cluster/kubeApi";
import { readStepEvidence } from "../cluster/stepEvidence";
import { openClusterSession } from "../database/clusterSession";
import type { DatabaseAddress } from "../database/instance";
import { type Contracted, type ContractedOptions, contractedBy } from "./contracted";
import type { KeptDatabase } from "./databaseOf";
import { Refused } from "./refused";

export interface RestoredSchemaOptions {
  readonly target: RoutedTargetName;
  readonly database: KeptDatabase;
  readonly api: KubeApi;
  /** Of what was restored. */
  readonly address: DatabaseAddress;
  /** The one in use answers. */
  readonly isAlive: boolean;
  readonly signal: AbortSignal;
}

/** What becomes of `migration` and `contract` in the file. */
export interface RestoredSchema {
  /** `forgotten`: what was restored is as before the contract step, which must not run on it by itself. */
  readonly stepInFile: "kept" | "forgotten";
  /** For people; undefined where there is nothing to say. */
  readonly note?: string;
}

/**
 * Looks at both which contract step they are past; one that doesn't answer is taken to be past the file's.
 * @throws Refused for a moment at which one was under way
 */
export async function schemaAt(options: RestoredSchemaOptions): Promise<RestoredSchema> {
  const { target, database, api, address, isAlive } = options;
  const { instance, kept, namespace } = database;
  const steps = (await readStepEvidence(api, namespace)).get(target) ?? [];
  // Then neither can be past one, and no session is needed to know it.
  if (!steps.some(({ kind }) => kind === "contract")) return { stepInFile: "kept" };
  const known = { steps, instances: [instance, ...kept] };
  const ofFile = steps.find(({ image, kind }) => image === database.migration && kind === "contract");
  const [live, restored] = await Promise.all([
    isAlive ? ask(options, known) : ofFile,
    ask(options, known, address),
  ]);
  return judgeSchemas(target, { live, restored, hasStep: database.migration !== undefined });
}

export interface Schemas {
  readonly live: Pick<Contracted, "image"> | undefined;
  readonly restored: Contracted | undefined;
  /** The file names one. */
  readonly hasStep: boolean;
}

/** @throws Refused for a moment at which a contract step was under way */
export function judgeSchemas(target: RoutedTargetName, { live, restored, hasStep }: Schemas): RestoredSchema {
  if (restored !== undefined && !restored.isFinished) {
    throw new Refused(
      `${target}: found the contract step ${restored.image} half-way at that moment, expected one before ${restored.begunAt.toISOString()}, when it was begun, or after its end; nothing was switched.`,
    );
  }
  if (live === undefined || restored?.image === live.image || !hasStep) return { stepInFile: "kept" };
  return {
    stepInFile: "forgotten",
    note: `At that moment the schema was as before the contract step ${live.image}. The switch takes migration and contract out of the file, so that no update runs the step again.`,
  };
}

async function ask(
  { target, database: { namespace, image }, api, signal }: RestoredSchemaOptions,
  known: ContractedOptions,
  address?: DatabaseAddress,
): Promise<Contracted | undefined> {
  const session = await openClusterSession(api, {
    ...{ namespace, image, target, role: "admin", signal },
    ...(address && { address }),
  });
  try {
    return await contractedBy(session, known);
  } finally {
    await session.close();
  }
}
