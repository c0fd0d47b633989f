import path from "node:path";
import { type PeerFiles, acquirePeer } from "../peer";

export function acquireFlagger(): Promise<PeerFiles> {
  return acquirePeer({
    title: "Flagger",
    name: "flagger",
    goModule: "github.com/fluxcd/flagger",
    binary: "flagger",
    moduleDir: path.join(__dirname, "module"),
    crds: { dir: path.join("artifacts", "flagger"), suffix: "crd.yaml" },
  });
}
