import { Command } from "commander";
import { Interrupted } from "../tools/interrupt";
import { dataCommand } from "./soak/data";
import { incidentsCommand } from "./soak/incidents";
import { transitionsCommand } from "./soak/transitions";

/** `npm run soak`: what takes hours, as often as it is wanted; what is interrupted goes on from there. */
async function main(): Promise<number> {
  let exitCode = 0;
  const done = (code: number): void => void (exitCode = code);
  await new Command("soak")
    .description("Long runs on the local platform.")
    .addCommand(transitionsCommand(done), { isDefault: true })
    .addCommand(incidentsCommand(done))
    .addCommand(dataCommand(done))
    .parseAsync();
  return exitCode;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(error instanceof Interrupted ? error.exitCode : 1);
  },
);
