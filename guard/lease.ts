import { z } from "zod";
import type { Answer, KubeApi } from "../cluster/kubeApi";
import { ClusterError } from "../cluster/liveRoutes";

/** Which Lease, and who asks for it. */
export interface LeaseOptions {
  readonly namespace: string;
  readonly name: string;
  /** Of this process alone. */
  readonly holder: string;
  /** How long the holder may be silent before another takes over. */
  readonly seconds: number;
}

const leaseSchema = z.object({
  metadata: z.object({
    resourceVersion: z.string(),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z
    .object({
      holderIdentity: z.string().optional(),
      leaseDurationSeconds: z.int().optional(),
      renewTime: z.string().optional(),
      leaseTransitions: z.int().optional(),
    })
    .default({}),
});

type LeaseObject = z.infer<typeof leaseSchema>;

/**
 * One Lease as a Kubernetes controller takes it. Others' renewals are judged by this machine's clock alone, from when
 * a renewal was first seen, so that clocks needn't agree.
 */
export class Lease {
  private seen: { readonly version: string; readonly at: number } | undefined;

  constructor(
    private readonly api: () => Promise<KubeApi>,
    readonly options: LeaseOptions,
  ) {}

  /** Takes it or renews it. @returns whether this process has it now @throws UnreachableError or ClusterError */
  async acquire(): Promise<boolean> {
    const { holder, seconds } = this.options;
    const lease = await this.read();
    if (lease === undefined) return this.create();
    const { holderIdentity, leaseDurationSeconds = seconds, leaseTransitions = 0 } = lease.spec;
    const isMine = holderIdentity === holder;
    if (!isMine && holderIdentity !== undefined && holderIdentity !== "") {
      const version = `${holderIdentity} ${lease.spec.renewTime ?? ""}`;
      if (this.seen?.version !== version) this.seen = { version, at: performance.now() };
      if (performance.now() - this.seen.at < leaseDurationSeconds * 1000) return false;
    }
    return this.write(lease, {
      ...this.spec(),
      ...(isMine ? {} : { acquireTime: microTime(), leaseTransitions: leaseTransitions + 1 }),
    });
  }

  /** Lets go of it, so that nobody waits for it to run out. */
  async release(): Promise<void> {
    const lease = await this.read();
    if (lease?.spec.holderIdentity === this.options.holder) await this.write(lease, { holderIdentity: "" });
  }

  /** Empty without a Lease. */
  async annotations(): Promise<Readonly<Record<string, string>>> {
    return (await this.read())?.metadata.annotations ?? {};
  }

  /** @param value null takes it away */
  async annotate(key: string, value: string | null): Promise<void> {
    expectOk(
      await this.ask(this.path, "PATCH", { metadata: { annotations: { [key]: value } } }),
      `the Lease ${this.options.name} to be annotated`,
    );
  }

  private get folder(): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${this.options.namespace}/leases`;
  }

  private get path(): string {
    return `${this.folder}/${this.options.name}`;
  }

  private spec(): object {
    const { holder, seconds } = this.options;
    return { holderIdentity: holder, leaseDurationSeconds: seconds, renewTime: microTime() };
  }

  private async read(): Promise<LeaseObject | undefined> {
    const answer = await (await this.api()).ask(this.path, { timeoutSeconds: 5 });
    if (answer.status === 404) return undefined;
    expectOk(answer, `the Lease ${this.options.name}`);
    return leaseSchema.parse(JSON.parse(answer.body));
  }

  private async create(): Promise<boolean> {
    const { name, namespace } = this.options;
    const answer = await this.ask(this.folder, "POST", {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name, namespace },
      spec: { ...this.spec(), acquireTime: microTime(), leaseTransitions: 0 },
    });
    // Another was first.
    if (answer.status === 409) return false;
    expectOk(answer, `the Lease ${name} to be made`);
    return true;
  }

  /** Fails if somebody else has written it since it was read. */
  private async write({ metadata }: LeaseObject, spec: object): Promise<boolean> {
    const { resourceVersion } = metadata;
    const answer = await this.ask(this.path, "PATCH", { metadata: { resourceVersion }, spec });
    if (answer.status === 409) return false;
    expectOk(answer, `the Lease ${this.options.name} to be written`);
    return true;
  }

  private async ask(path: string, method: "POST" | "PATCH", body: object): Promise<Answer> {
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const api = await this.api();
    return api.ask(path, { method, headers: { "content-type": type }, body, timeoutSeconds: 5 });
  }
}

function expectOk({ status, body }: Answer, what: string): void {
  if (status >= 200 && status < 300) return;
  throw new ClusterError(`found status ${status}, expected ${what}: ${body.slice(0, 300)}`);
}

function microTime(): string {
  return new Date().toISOString().replace("Z", "000Z");
}
