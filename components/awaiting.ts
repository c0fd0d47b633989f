/**
 * For what the program waits for itself, or not at all: creation and updates are done when the object is there.
 * Deletions are awaited as ever. (`skipAwait` would skip those too, and what is made again while its predecessor
 * still ends would go with it.)
 */
export const notAwaited = { "pulumi.com/waitFor": "jsonpath={.metadata.uid}" };

/**
 * The same for a Service that changes. It has no generation, so the provider can't tell what it sees from what was there
 * before, and may keep that in the state: the way back would find nothing to change. It is done once the label is seen.
 * @param key of a label that changes with it
 */
export function notAwaitedWith(key: string, value: string): Record<string, string> {
  return { "pulumi.com/waitFor": `jsonpath={.metadata.labels['${key}']}=${value}` };
}
