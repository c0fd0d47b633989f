import fs from "node:fs";
import path from "node:path";
import { run } from "./child";
import { binDir, replaceLink } from "./linkFolder";

/**
 * The Redis server without its package, which would start a service: Debian's
 * `redis-check-rdb` is the same binary, and the name it is called by decides
 * what it does.
 */
export async function redisServer(redisCheckRdb: string): Promise<string> {
  const link = path.join(binDir, "redis-server");
  const isNew = !fs.existsSync(link);
  fs.mkdirSync(binDir, { recursive: true });
  replaceLink(link, redisCheckRdb);
  if (isNew) {
    const version = await run(link, ["--version"]);
    if (!version.startsWith("Redis server"))
      throw new Error(`${redisCheckRdb} doesn't serve Redis: ${version}`);
  }
  return link;
}
