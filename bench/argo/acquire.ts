import path from "node:path";
import { type PeerFiles, acquirePeer } from "../peer";

export function acquireArgo(): Promise<PeerFiles> {
  return acquirePeer({
    title: "Argo Rollouts",
    name: "argo-rollouts",
    goModule: "github.com/argoproj/argo-rollouts",
    binary: "rollouts-controller",
    moduleDir: path.join(__dirname, "module"),
    crds: { dir: path.join("manifests", "crds"), suffix: "-crd.yaml" },
  });
}
