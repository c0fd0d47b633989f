import type { Finding, ResourceCheck } from "./check";
import { type Container, containersOf, podSpecOf } from "./pods";
import { type Value, at, isNot, itemsAt, mayEqual, shown } from "./value";

const remedy = "use the pod that components/releasePod.ts makes, which is restricted";

export const restrictedPods: ResourceCheck = {
  name: "restricted-pods",
  description:
    "No pod is privileged, runs as root or reaches into its node; the namespace's admission holds it to all of `restricted`.",
  find: (resource) => {
    const pod = podSpecOf(resource);
    return [
      ...sharedWithNode(pod),
      ...podUser(pod),
      ...containersOf(pod).flatMap((container) => [
        ...privileges(container),
        ...capabilities(container),
        ...inherited(container, pod),
      ]),
    ];
  },
};

function sharedWithNode(pod: Value): Finding[] {
  const namespaces = ["hostNetwork", "hostPID", "hostIPC"].filter((key) => at(pod, key) === true);
  const volumes = itemsAt(pod, "volumes").filter((volume) => at(volume, "hostPath") !== undefined);
  return [
    ...namespaces.map((key) => ({
      found: `${key}: true`,
      expected: "none of the node's namespaces",
      remedy,
    })),
    ...volumes.map((volume) => ({
      part: `volume ${shown(at(volume, "name"))}`,
      found: `hostPath ${shown(at(volume, "hostPath", "path"))}`,
      expected: "no folder of the node",
      remedy: "use an emptyDir, a ConfigMap, a Secret or a claim",
    })),
  ];
}

function podUser(pod: Value): Finding[] {
  return isRoot(pod) ? [{ found: "runAsUser: 0", expected: "a user that isn't root", remedy }] : [];
}

function privileges({ label, spec }: Container): Finding[] {
  const escalation = at(spec, "securityContext", "allowPrivilegeEscalation");
  return [
    ...(at(spec, "securityContext", "privileged") === true
      ? [{ part: label, found: "privileged: true", expected: "no privileged container", remedy }]
      : []),
    ...(isNot(escalation, false)
      ? [{ part: label, found: `allowPrivilegeEscalation: ${shown(escalation)}`, expected: "false", remedy }]
      : []),
    ...(isRoot(spec)
      ? [{ part: label, found: "runAsUser: 0", expected: "a user that isn't root", remedy }]
      : []),
  ];
}

function isRoot(podOrContainer: Value): boolean {
  return at(podOrContainer, "securityContext", "runAsUser") === 0;
}

/** The one capability that the standard lets a container have. */
const bindsLowPorts = "NET_BIND_SERVICE";

function capabilities({ label, spec }: Container): Finding[] {
  const dropped = at(spec, "securityContext", "capabilities", "drop");
  const added = itemsAt(spec, "securityContext", "capabilities", "add").filter(
    (name) => name !== bindsLowPorts,
  );
  return [
    ...(mayHold(dropped, "ALL")
      ? []
      : [{ part: label, found: `capabilities.drop: ${shown(dropped)}`, expected: '["ALL"]', remedy }]),
    ...(added.length === 0
      ? []
      : [
          {
            part: label,
            found: `capabilities.add: ${shown(added)}`,
            expected: `nothing but ${bindsLowPorts}`,
            remedy,
          },
        ]),
  ];
}

function mayHold(list: Value, item: Value): boolean {
  return Array.isArray(list) ? list.some((other: Value) => mayEqual(other, item)) : mayEqual(list, item);
}

/** What a container says itself or has from its pod. */
function inherited({ label, spec }: Container, pod: Value): Finding[] {
  const effective = (...path: readonly string[]): Value =>
    at(spec, "securityContext", ...path) ?? at(pod, "securityContext", ...path);
  const runAsNonRoot = effective("runAsNonRoot");
  const seccomp = effective("seccompProfile", "type");
  return [
    ...(isNot(runAsNonRoot, true)
      ? [{ part: label, found: `runAsNonRoot: ${shown(runAsNonRoot)}`, expected: "true", remedy }]
      : []),
    ...(isNot(seccomp, "RuntimeDefault") && isNot(seccomp, "Localhost")
      ? [
          {
            part: label,
            found: `seccompProfile: ${shown(seccomp)}`,
            expected: "RuntimeDefault or Localhost",
            remedy,
          },
        ]
      : []),
  ];
}
