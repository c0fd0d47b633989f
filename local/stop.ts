import { stopPlatform } from "./platform/down";
import { withPlatformLock } from "./platformLock";

withPlatformLock(stopPlatform).then(
  () => process.stderr.write("The local platform is down, and its cluster, stack and data are gone.\n"),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\nRun npm stop again.\n`);
    process.exitCode = 1;
  },
);
