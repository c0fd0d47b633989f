// A process of its own that begins and is killed: beginner.ts <stack file> <stack> <plan> <time>
import { z } from "zod";
import { routedTargets } from "../../../catalog";
import { Journal } from "../../../cutover/journal";

const command = z.literal("rollback");
const plan = z.union([
  z.object({ command, level: z.literal(2), to: z.string() }),
  z.object({ command, level: z.literal(3) }),
  z.object({
    command: z.enum(["advance", "rollback", "reconcile"]),
    target: z.enum(routedTargets),
    split: z.object({ legacy: z.number(), blue: z.number(), green: z.number() }),
    retire: z.boolean().default(false),
    from: z.string(),
  }),
]);

const [file = "", stack = "", text = "", time = ""] = process.argv.slice(2);
const problem = Journal.for(file, stack)?.begin(plan.parse(JSON.parse(text)), new Date(time));
if (problem === undefined) process.kill(process.pid, "SIGKILL");
else console.error(problem);
