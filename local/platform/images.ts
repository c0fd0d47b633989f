import { createHash } from "node:crypto";
import fs from "node:fs";
import { type RoutedTargetName, catalogEntry, routedTargets } from "../../catalog";
import type { Toolbox } from "../../tools/acquire";
import { loadArchive } from "./imageArchive";

export const pauseImage = "localhost/pause:1";

/** What an image adds to the stand-in: environment and arguments by its tag. */
interface Variant {
  readonly tag: string;
  readonly environment?: readonly string[];
  readonly args?: readonly string[];
}

const releases: readonly Variant[] = [
  { tag: "1.0.0" },
  // Writes into the column that the first step of a schema brings.
  { tag: "1.1.0", environment: ["RELEASE=1.1.0"] },
];
/** Never becomes ready: what a release looks like that must be refused. */
const broken: Variant = { tag: "broken", args: ["--unready"] };
const mcpServer: readonly Variant[] = [
  ...releases.map((release) => withEnvironment(release, "MCP_TOOLS=14")),
  // Ready, but a tool is missing: what only the smoke check notices.
  { tag: "thirteen-tools", environment: ["MCP_TOOLS=13"] },
];

/** Calls other targets while it answers. */
const apiGateway: readonly Variant[] = releases.map((release) => withEnvironment(release, "CALLS=1"));

/** Loads the stand-ins' images and the pause image. */
export async function loadImages(tools: Toolbox, standin: string): Promise<void> {
  const fingerprint = createHash("sha256")
    .update(fs.readFileSync(standin))
    .update(fs.readFileSync(tools.path("podinfo")))
    .update(fs.readFileSync(__filename))
    .digest("hex");
  await loadArchive(tools, "services", fingerprint, async (archive) => {
    const service = await archive.layerOf("service", { podinfo: tools.path("podinfo"), standin });
    const busybox = tools.path("busybox");
    // The shell is for what makes volumes.
    archive.image(pauseImage, await archive.layerOf("pause", { busybox, "bin/sh": busybox }), {
      Entrypoint: ["/busybox", "tail", "-f", "/dev/null"],
      User: "65535",
    });
    for (const target of routedTargets) {
      const { repository } = catalogEntry(target);
      for (const variant of [...releasesOf(target), broken]) {
        archive.image(`localhost/${repository}:${variant.tag}`, service, {
          Entrypoint: ["/standin"],
          Cmd: ["serve", ...(variant.args ?? [])],
          // What a pod was told to do wrong it does again after a restart.
          Env: ["INJECT_FILE=/tmp/injected.json", ...(variant.environment ?? [])],
          User: "65532",
          Labels: { "org.opencontainers.image.version": variant.tag },
        });
      }
    }
  });
}

function withEnvironment(variant: Variant, setting: string): Variant {
  return { ...variant, environment: [...(variant.environment ?? []), setting] };
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
