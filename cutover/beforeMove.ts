import { type KubeApi, UnreachableError } from "../cluster/kubeApi";
import { ClusterError } from "../cluster/liveRoutes";
import type { Report } from "./report";

/** How long the API server may take before the user is told, in milliseconds. */
const patience = 2000;

/**
 * What a rollback asks the cluster before it moves any traffic: tells when the answer takes long, and on failure what
 * the reader wants to know first. @throws the signal's reason when it aborts
 */
export async function beforeMove<T>(
  asking: Promise<T>,
  { api, report, signal }: { readonly api: KubeApi; readonly report: Report; readonly signal: AbortSignal },
): Promise<T> {
  const slow = setTimeout(
    () => report.note(`cluster ${api.name} hasn't answered yet; asking again`),
    patience,
  );
  return unlessAborted(asking.catch(sayNothingMoved), signal).finally(() => clearTimeout(slow));
}

function sayNothingMoved(error: unknown): never {
  const options = { cause: error };
  if (error instanceof UnreachableError) {
    throw new UnreachableError(`no traffic was moved: ${error.message}`, options);
  }
  if (error instanceof ClusterError)
    throw new ClusterError(`no traffic was moved: ${error.message}`, options);
  throw error;
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
  return Promise.race([work, aborted]);
}
