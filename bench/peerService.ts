import { catalogEntry } from "../catalog";
import { target } from "./world";

const { port, probes, repository, resources } = catalogEntry(target);

export type Version = "legacy" | "blue";

/** The target's stand-in in a pod of `name`'s; its answers name the version in the header `x-color`. */
export function peerService(name: string, version: Version) {
  return {
    name: "service",
    image: `localhost/${repository}:1.0.0`,
    imagePullPolicy: "Never",
    env: [
      { name: "PYAIRTABLE_TARGET", value: name },
      { name: "PYAIRTABLE_BACKEND", value: version },
      { name: "PODINFO_UI_COLOR", value: version },
      { name: "PORT", value: String(port) },
    ],
    ports: [{ name: "http", containerPort: port }],
    readinessProbe: { httpGet: { path: probes.readiness.path, port: "http" }, periodSeconds: 1 },
    resources,
  };
}
