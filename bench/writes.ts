import http from "node:http";
import https from "node:https";
import { once } from "node:events";
import readline from "node:readline";
import { z } from "zod";
import { loadClusterAccess } from "../cluster/kubeconfig";

/** Notices writes of one object's spec, whoever writes. */
export interface WriteWatch {
  /**
   * Epoch ms of the first write of the spec at or after `since` (epoch ms); undefined when there was none.
   * @throws Error when the API server broke the watch off
   */
  readonly firstSince: (since: number) => number | undefined;
  readonly close: () => void;
}

const event = z.discriminatedUnion("type", [
  z.object({
    type: z.enum(["ADDED", "MODIFIED"]),
    object: z.object({ metadata: z.object({ generation: z.int() }) }),
  }),
  z.object({ type: z.enum(["DELETED", "BOOKMARK"]) }),
  z.object({ type: z.literal("ERROR"), object: z.object({ message: z.string() }) }),
]);

/**
 * Watches an object of the cluster that KUBECONFIG names. A write counts from when the API server tells of it, which is
 * also when a controller hears of it: it is the same for whatever program wrote.
 * @param collection the path of the list that the object is in
 */
export async function watchWrites(collection: string, name: string): Promise<WriteWatch> {
  const { server, ca, certificate, key, token } = await loadClusterAccess();
  const query = new URLSearchParams({ watch: "true", fieldSelector: `metadata.name=${name}` });
  const request = (server.protocol === "https:" ? https : http).get(
    new URL(`${collection}?${query.toString()}`, server),
    {
      ...(ca && { ca }),
      ...(certificate && { cert: certificate }),
      ...(key && { key }),
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      agent: false,
    },
  );
  let problem: string | undefined;
  const seen: { readonly at: number; readonly generation: number }[] = [];
  const [answer] = z.tuple([z.instanceof(http.IncomingMessage)]).parse(await once(request, "response"));
  if (answer.statusCode !== 200) {
    request.destroy();
    throw new Error(`${collection}: found status ${answer.statusCode} for a watch, expected 200`);
  }
  const lines = readline.createInterface({ input: answer });
  // The end of the watch, by whomever, shows as a write that wasn't seen.
  for (const emitter of [request, answer, lines]) emitter.on("error", () => undefined);
  lines.on("line", (line) => {
    const told = event.parse(JSON.parse(line));
    if (told.type === "ERROR") {
      problem = told.object.message;
      return;
    }
    if (told.type === "DELETED" || told.type === "BOOKMARK") return;
    const { generation } = told.object.metadata;
    // A new status leaves the generation.
    if (seen.at(-1)?.generation !== generation) seen.push({ at: Date.now(), generation });
  });
  // The object as it is comes first.
  await once(lines, "line");
  return {
    firstSince: (since) => {
      if (problem !== undefined) throw new Error(`the watch of ${collection} was broken off: ${problem}`);
      return seen.find(({ at }, index) => index > 0 && at >= since)?.at;
    },
    close: () => request.destroy(),
  };
}
