/**
 * For what the program waits for itself, or not at all: creation and updates are done when the object is there.
 * Deletions are awaited as ever. (`skipAwait` would skip those too, and what is made again while its predecessor
 * still ends would go with it.)
 */
export const notAwaited = { "pulumi.com/waitFor": "jsonpath={.metadata.uid}" };
