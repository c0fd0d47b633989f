import fs from "node:fs";
import path from "node:path";
import { createHash } from "node:crypto";
import { run } from "../../tools/child";
import { interruptible } from "../../tools/interrupt";
import { showProgress } from "../../tools/progress";
import { cachedSource } from "../../tools/sources/cachedSource";
import { goEnvironment } from "../../tools/sources/goModule";

const goModule = "github.com/argoproj/argo-rollouts";
const moduleDir = path.join(__dirname, "module");

/** Argo Rollouts, built when it is first asked for: only this measurement needs it. */
export interface ArgoFiles {
  readonly controller: string;
  /** A folder of manifests. */
  readonly crds: string;
}

export async function acquireArgo(): Promise<ArgoFiles> {
  const source = argoSource();
  let found = await source.find();
  if (found === undefined) {
    await interruptible((signal) =>
      showProgress([
        {
          title: source.title,
          run: async (report) => void (found = await source.obtain({ report, signal })),
        },
      ]),
    );
  }
  const { "rollouts-controller": controller, crds } = found?.files ?? {};
  if (controller === undefined || crds === undefined) throw new Error(`${source.title} gave no files`);
  return { controller, crds };
}

function argoSource(): ReturnType<typeof cachedSource> {
  const pins = ["go.mod", "go.sum"].map((file) => fs.readFileSync(path.join(moduleDir, file), "utf8"));
  const version = new RegExp(`${goModule} v(\\S+)`).exec(pins.join("\n"))?.[1] ?? "unknown";
  const key = createHash("sha256").update(pins.join("\0")).digest("hex").slice(0, 12);
  return cachedSource({
    title: `Building Argo Rollouts ${version}`,
    name: "argo-rollouts",
    key: `${version}-${key}`,
    version,
    binaries: ["rollouts-controller", "crds"],
    verb: "built",
    async make(dir, scratch, { report, signal }) {
      const options = { cwd: moduleDir, env: { ...goEnvironment, GOTMPDIR: scratch }, signal };
      report("downloading modules");
      const [, folder = ""] =
        /"Dir": "([^"]+)"/.exec(await run("go", ["mod", "download", "-json", goModule], options)) ?? [];
      const manifests = path.join(folder, "manifests", "crds");
      fs.mkdirSync(path.join(dir, "crds"));
      for (const file of fs.readdirSync(manifests).filter((name) => name.endsWith("-crd.yaml"))) {
        fs.copyFileSync(path.join(manifests, file), path.join(dir, "crds", file));
      }
      report("compiling");
      await run("go", ["build", "-buildvcs=false", "-ldflags", "-s -w", "-o", `${dir}/`, "tool"], options);
    },
  });
}
