import { z } from "zod";
import type { KubeApi } from "../cluster/kubeApi";
import { createObject, deleteUntilGone, patchObject, readObject } from "../cluster/objects";
import { instanceClaims } from "./clusterInstance";
import { DatabaseError } from "./host";
import { type Instance, claimName } from "./restoredPod";

/** On a claim: what it is to hold, and what it holds once that is done. */
const restoresAnnotation = "pyairtable.dev/restores";
const restoredAnnotation = "pyairtable.dev/restored";

export interface WantedClaim {
  readonly namespace: string;
  /** Which one is restored. */
  readonly instance: string;
  /** The new one. */
  readonly as: string;
  /** Of which instance, at which moment. */
  readonly what: string;
}

const claimSchema = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }),
  spec: z.object({
    accessModes: z.array(z.string()),
    resources: z.unknown(),
    storageClassName: z.string().optional(),
  }),
});

/** The volume of an instance that a restore makes. It says what it holds, so that a restore that was cut short goes on. */
export class RestoredClaim {
  private constructor(
    private readonly api: KubeApi,
    private readonly wanted: WantedClaim,
    /** What there is of it already. */
    readonly found: "nothing" | "begun" | "done",
  ) {}

  /** Looks for it. @throws DatabaseError for one that holds something else */
  static async find(api: KubeApi, wanted: WantedClaim): Promise<RestoredClaim> {
    const { namespace, as, what } = wanted;
    const name = claimName(instanceClaims.data, as);
    const claim = await readObject(api, `${claimsPath(namespace)}/${name}`, claimSchema);
    if (claim === undefined) return new RestoredClaim(api, wanted, "nothing");
    const { [restoresAnnotation]: begun, [restoredAnnotation]: done } = claim.metadata.annotations;
    if (begun === what) return new RestoredClaim(api, wanted, done === what ? "done" : "begun");
    throw new DatabaseError(
      `${as}: found the volume ${name} with ${begun ?? "an instance's own data"}, expected none, or ${what}; it was left as it is`,
    );
  }

  get name(): string {
    return claimName(instanceClaims.data, this.wanted.as);
  }

  /** Makes it, unless it is there: of the old one's kind. */
  async make(like: Instance): Promise<void> {
    if (this.found !== "nothing") return;
    const { namespace, instance, as, what } = this.wanted;
    const old = claimName(instanceClaims.data, instance);
    const claim = await readObject(this.api, `${claimsPath(namespace)}/${old}`, claimSchema);
    const template = like.spec.volumeClaimTemplates.find(
      ({ metadata }) => metadata.name === instanceClaims.data,
    );
    const spec = claim?.spec ?? template?.spec;
    if (spec === undefined) throw new DatabaseError(`${instance}: found no volume ${old}, expected one`);
    const labels: [string, string][] = Object.entries(like.spec.template.metadata.labels).map(
      ([key, value]) => [key, value === instance ? as : value],
    );
    await createObject(this.api, claimsPath(namespace), {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: {
        name: this.name,
        labels: Object.fromEntries(labels),
        annotations: { [restoresAnnotation]: what },
      },
      spec,
    });
  }

  /** It holds what it is to hold. */
  async markDone(): Promise<void> {
    const annotations = { [restoredAnnotation]: this.wanted.what };
    await patchObject(this.api, this.path, { metadata: { annotations } });
  }

  /** Deletes it with what it holds, unless that is what it is to hold. */
  async discard(): Promise<void> {
    if (this.found !== "done") await deleteUntilGone(this.api, this.path, 0);
  }

  private get path(): string {
    return `${claimsPath(this.wanted.namespace)}/${this.name}`;
  }
}

function claimsPath(namespace: string): string {
  return `/api/v1/namespaces/${namespace}/persistentvolumeclaims`;
}
