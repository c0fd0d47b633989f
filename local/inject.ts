import { z } from "zod";
import { type KubeApi, ask } from "../cluster/kubeApi";
import { hasCode } from "../cluster/thrown";
import { gateway } from "./platform/gateway";

const podsSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ deletionTimestamp: z.string().optional() }),
      status: z.object({ podIP: z.string().optional() }),
    }),
  ),
});

/** Where the pods of a deployment that serve are, those that are going left out. */
export async function podAddresses(api: KubeApi, deployment: string): Promise<string[]> {
  const selector = encodeURIComponent(`app.kubernetes.io/instance=${deployment},pyairtable.dev/role=service`);
  const { body } = await api.ask(`/api/v1/namespaces/${gateway.namespace}/pods?labelSelector=${selector}`);
  return podsSchema
    .parse(JSON.parse(body))
    .items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .flatMap(({ status: { podIP } }) => (podIP === undefined ? [] : [podIP]));
}

/** What a stand-in is told to do wrong, in place of what it was told before. */
export interface Faults {
  /** So many of each so many requests fail, evenly spread. */
  readonly errorEvery?: { readonly fail: number; readonly of: number };
  readonly delayMs?: number;
  readonly hang?: boolean;
  /** Ends it now and whenever it is started. */
  readonly crash?: boolean;
  readonly unready?: boolean;
  readonly unhealthy?: boolean;
}

/** @param address of a stand-in: `198.18.0.12:9898` */
export async function inject(address: string, faults: Faults): Promise<void> {
  const { status, body } = await ask(new URL(`http://${address}/inject`), {
    method: "POST",
    headers: { "x-pyairtable-inject": "yes" },
    body: faults,
  }).catch((error: unknown) => {
    // It ends in the middle of its answer, as it was told to.
    if (faults.crash === true && hasCode(error, "ECONNRESET")) return { status: 200, body: "" };
    throw error;
  });
  if (status !== 200) throw new Error(`${address}: found status ${status}, expected 200: ${body}`);
}

/** Tells all pods of a colour. Requests are shared among them, so that their exact rates are that of all. */
export async function injectAll(api: KubeApi, deployment: string, faults: Faults): Promise<void> {
  const addresses = await podAddresses(api, deployment);
  if (addresses.length === 0) throw new Error(`${deployment}: found no pods, expected one or more`);
  await Promise.all(addresses.map((address) => inject(`${address}:9898`, faults)));
}
