import path from "node:path";
import { localEnvironment } from "../local/environment";
import { checkoutDir } from "../local/paths";
import { run } from "../tools/child";
import { type World, target } from "./world";

const identity = { NAME: "bench", EMAIL: "bench@localhost" };

/** `cutover rollback` of the target, as the guard would run it, on the stack file of the world's own repository. */
export async function cutoverRollback({ tools, stack }: World): Promise<void> {
  await run(
    path.join(checkoutDir, "cutover", "bin", "cutover"),
    ["rollback", target, "--stack", "local", "--config-file", stack.stackFile, "--yes", "--json"],
    {
      cwd: checkoutDir,
      env: {
        ...localEnvironment(tools),
        ...Object.fromEntries(
          Object.entries(identity).flatMap(([key, value]) => [
            [`GIT_AUTHOR_${key}`, value],
            [`GIT_COMMITTER_${key}`, value],
          ]),
        ),
      },
    },
  );
}
