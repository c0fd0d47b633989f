import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import fs from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import type { Toolbox } from "../../tools/acquire";
import { run } from "../../tools/child";
import { containerdSocket, stateDir } from "../paths";

/** How a container of an image is started. */
export interface ImageConfig {
  readonly Entrypoint: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly User: string;
  readonly Labels?: Readonly<Record<string, string>>;
}

export interface Layer {
  readonly file: string;
  readonly diffId: string;
}

/** Images that are loaded together, of layers that they share. */
export interface ImageArchive {
  /** One layer that holds what a folder holds, the same bytes whenever it is built. */
  layer(name: string, root: string): Promise<Layer>;
  /** One layer that holds these files, by their paths, which may all be run. */
  layerOf(name: string, files: Readonly<Record<string, string>>): Promise<Layer>;
  image(reference: string, layer: Layer, config: ImageConfig): void;
}

/**
 * Loads the images that `build` puts together, in one go; nothing to do when those of this fingerprint are loaded.
 * @param fingerprint of all that decides what is in them
 */
export async function loadArchive(
  tools: Toolbox,
  name: string,
  fingerprint: string,
  build: (archive: ImageArchive) => Promise<void>,
): Promise<void> {
  const workDir = path.join(stateDir, "images", name);
  const loaded = path.join(workDir, "loaded");
  if (fs.existsSync(loaded) && fs.readFileSync(loaded, "utf8") === fingerprint) return;
  fs.rmSync(workDir, { recursive: true, force: true });
  fs.mkdirSync(workDir, { recursive: true });
  const manifest: ReturnType<typeof writeImage>[] = [];
  await build({
    layer: (layerName, root) => writeLayer(workDir, layerName, root),
    layerOf: (layerName, files) => writeLayerOf(workDir, layerName, files),
    image: (reference, layer, config) => manifest.push(writeImage(workDir, reference, layer, config)),
  });
  fs.writeFileSync(path.join(workDir, "manifest.json"), JSON.stringify(manifest));
  const archive = path.join(workDir, "images.tar");
  const members = fs.readdirSync(workDir);
  await run("tar", ["-C", workDir, "-cf", archive, ...members]);
  await run(tools.path("ctr"), [
    ...["--address", containerdSocket, "--namespace", "k8s.io"],
    ...["images", "import", archive],
  ]);
  for (const file of [...members, "images.tar"]) fs.rmSync(path.join(workDir, file));
  fs.writeFileSync(loaded, fingerprint);
}

async function writeLayer(workDir: string, name: string, root: string): Promise<Layer> {
  const file = `${name}.layer.tar`;
  await run("tar", [
    ...["-C", root, "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"],
    ...["-cf", path.join(workDir, file), "."],
  ]);
  const hash = createHash("sha256");
  await pipeline(createReadStream(path.join(workDir, file)), hash);
  return { file, diffId: `sha256:${hash.digest("hex")}` };
}

async function writeLayerOf(
  workDir: string,
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<Layer> {
  const root = path.join(workDir, name);
  fs.mkdirSync(root);
  for (const [target, source] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, target)), { recursive: true });
    fs.copyFileSync(source, path.join(root, target));
    fs.chmodSync(path.join(root, target), 0o755);
  }
  const layer = await writeLayer(workDir, name, root);
  fs.rmSync(root, { recursive: true });
  return layer;
}

function writeImage(
  workDir: string,
  reference: string,
  { file, diffId }: Layer,
  config: ImageConfig,
): { Config: string; RepoTags: string[]; Layers: string[] } {
  const content = JSON.stringify({
    architecture: "amd64",
    os: "linux",
    config,
    rootfs: { type: "layers", diff_ids: [diffId] },
    history: [{ created_by: reference }],
  });
  const configFile = `${createHash("sha256").update(content).digest("hex")}.json`;
  fs.writeFileSync(path.join(workDir, configFile), content);
  return { Config: configFile, RepoTags: [reference], Layers: [file] };
}
