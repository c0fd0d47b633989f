import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { type RoutedTargetName, catalogEntry, routedTargets } from "../../catalog";
import type { Toolbox } from "../../tools/acquire";
import { containerdSocket, stateDir } from "../paths";
import { run } from "../../tools/child";

export const pauseImage = "localhost/pause:1";

/** What an image adds to the stand-in: environment and arguments by its tag. */
interface Variant {
  readonly tag: string;
  readonly environment?: readonly string[];
  readonly args?: readonly string[];
}

const releases: readonly Variant[] = [{ tag: "1.0.0" }, { tag: "1.1.0" }];
/** Never becomes ready: what a release looks like that must be refused. */
const broken: Variant = { tag: "broken", args: ["--unready"] };
const mcpServer: readonly Variant[] = [
  ...releases.map((release) => ({ ...release, environment: ["MCP_TOOLS=14"] })),
  // Ready, but a tool is missing: what only the smoke check notices.
  { tag: "thirteen-tools", environment: ["MCP_TOOLS=13"] },
];

/** Calls other targets while it answers. */
const apiGateway: readonly Variant[] = releases.map((release) => ({ ...release, environment: ["CALLS=1"] }));

interface ImageConfig {
  readonly Entrypoint: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly User: string;
  readonly Labels?: Readonly<Record<string, string>>;
}

/** Builds the stand-ins' images and the pause image as one archive and loads it; nothing to do when they are loaded. */
export async function loadImages(tools: Toolbox, standin: string): Promise<void> {
  const workDir = path.join(stateDir, "images");
  const fingerprint = createHash("sha256")
    .update(fs.readFileSync(standin))
    .update(fs.readFileSync(tools.path("podinfo")))
    .update(fs.readFileSync(__filename))
    .digest("hex");
  const loaded = path.join(workDir, "loaded");
  if (fs.existsSync(loaded) && fs.readFileSync(loaded, "utf8") === fingerprint) return;
  fs.rmSync(workDir, { recursive: true, force: true });
  fs.mkdirSync(workDir, { recursive: true });

  const service = await layer(workDir, "service", { podinfo: tools.path("podinfo"), standin });
  const pause = await layer(workDir, "pause", { busybox: tools.path("busybox") });
  const manifest = [
    writeImage(workDir, pauseImage, pause, {
      Entrypoint: ["/busybox", "tail", "-f", "/dev/null"],
      User: "65535",
    }),
  ];
  for (const target of routedTargets) {
    const { repository } = catalogEntry(target);
    for (const variant of [...releasesOf(target), broken]) {
      manifest.push(
        writeImage(workDir, `localhost/${repository}:${variant.tag}`, service, {
          Entrypoint: ["/standin"],
          Cmd: ["serve", ...(variant.args ?? [])],
          // What a pod was told to do wrong it does again after a restart.
          Env: ["INJECT_FILE=/tmp/injected.json", ...(variant.environment ?? [])],
          User: "65532",
          Labels: { "org.opencontainers.image.version": variant.tag },
        }),
      );
    }
  }
  fs.writeFileSync(path.join(workDir, "manifest.json"), JSON.stringify(manifest));
  const archive = path.join(workDir, "images.tar");
  const members = fs
    .readdirSync(workDir)
    .filter((file) => file.endsWith(".json") || file.endsWith(".layer.tar"));
  await run("tar", ["-C", workDir, "-cf", archive, ...members]);
  await run(tools.path("ctr"), [
    "--address",
    containerdSocket,
    "--namespace",
    "k8s.io",
    "images",
    "import",
    archive,
  ]);
  for (const file of [...members, "images.tar"]) fs.rmSync(path.join(workDir, file));
  fs.writeFileSync(loaded, fingerprint);
}

function releasesOf(target: RoutedTargetName): readonly Variant[] {
  switch (target) {
    case "mcp-server":
      return mcpServer;
    case "api-gateway":
      return apiGateway;
    default:
      return releases;
  }
}

interface Layer {
  readonly file: string;
  readonly diffId: string;
}

/** One layer that holds the files at the root, the same bytes whenever it is built. */
async function layer(workDir: string, name: string, files: Readonly<Record<string, string>>): Promise<Layer> {
  const root = path.join(workDir, name);
  fs.mkdirSync(root);
  for (const [target, source] of Object.entries(files)) {
    fs.copyFileSync(source, path.join(root, target));
    fs.chmodSync(path.join(root, target), 0o755);
  }
  const file = `${name}.layer.tar`;
  await run("tar", [
    ...["-C", root, "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"],
    ...["-cf", path.join(workDir, file), "."],
  ]);
  fs.rmSync(root, { recursive: true });
  return { file, diffId: `sha256:${sha256(fs.readFileSync(path.join(workDir, file)))}` };
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
  const configFile = `${sha256(content)}.json`;
  fs.writeFileSync(path.join(workDir, configFile), content);
  return { Config: configFile, RepoTags: [reference], Layers: [file] };
}

function sha256(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
