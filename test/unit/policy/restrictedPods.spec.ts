import assert from "node:assert/strict";
import { restrictedPods } from "../../../policy/restrictedPods";
import { type Properties, container, deployment, given, inEveryKind, pod, said, unknown } from "./resources";

const remedy = "; use the pod that components/releasePod.ts makes, which is restricted";

/** What is said of a pod whose one container has that security context besides a good one's. */
function ofContext(securityContext: Properties, ofPod: Properties = {}): string[] {
  const context = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] }, ...securityContext };
  const podSpec = { ...pod, ...ofPod, containers: [{ ...container, securityContext: context }] };
  return said(restrictedPods, deployment(podSpec));
}

describe("policy restricted-pods", () => {
  it("accepts the restricted pod", () => {
    assert.deepEqual(said(restrictedPods, deployment()), []);
  });

  const refused: readonly (readonly [string, string[], string])[] = [
    [
      "a privileged container",
      ofContext({ privileged: true }),
      "container service: found privileged: true, expected no privileged container",
    ],
    [
      "the escalation of privileges, which is the default",
      ofContext({ allowPrivilegeEscalation: null }),
      "container service: found allowPrivilegeEscalation: nothing, expected false",
    ],
    [
      "root as a container's user",
      ofContext({ runAsUser: 0 }),
      "container service: found runAsUser: 0, expected a user that isn't root",
    ],
    [
      "a container that sets aside its pod's runAsNonRoot",
      ofContext({ runAsNonRoot: false }),
      "container service: found runAsNonRoot: false, expected true",
    ],
    [
      "capabilities that aren't dropped",
      ofContext({ capabilities: { drop: ["NET_RAW"] } }),
      'container service: found capabilities.drop: ["NET_RAW"], expected ["ALL"]',
    ],
    [
      "capabilities that are added",
      ofContext({ capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE", "SYS_ADMIN"] } }),
      'container service: found capabilities.add: ["SYS_ADMIN"], expected nothing but NET_BIND_SERVICE',
    ],
    [
      "an unconfined seccomp profile",
      ofContext({ seccompProfile: { type: "Unconfined" } }),
      'container service: found seccompProfile: "Unconfined", expected RuntimeDefault or Localhost',
    ],
    [
      "the node's network",
      ofContext({}, { hostNetwork: true }),
      "found hostNetwork: true, expected none of the node's namespaces",
    ],
    [
      "the node's processes",
      ofContext({}, { hostPID: true }),
      "found hostPID: true, expected none of the node's namespaces",
    ],
    [
      "the node's memory",
      ofContext({}, { hostIPC: true }),
      "found hostIPC: true, expected none of the node's namespaces",
    ],
    [
      "root as the pod's user",
      ofContext({}, { securityContext: { ...Object(pod["securityContext"]), runAsUser: 0 } }),
      "found runAsUser: 0, expected a user that isn't root",
    ],
  ];
  for (const [what, found, expected] of refused) {
    it(`refuses ${what}`, () => assert.deepEqual(found, [expected + remedy]));
  }

  it("refuses a folder of the node", () => {
    const volumes = [
      { name: "docker", hostPath: { path: "/var/run" } },
      { name: "tmp", emptyDir: {} },
    ];
    assert.deepEqual(said(restrictedPods, deployment({ ...pod, volumes })), [
      'volume "docker": found hostPath "/var/run", expected no folder of the node; use an emptyDir, a ConfigMap, a Secret or a claim',
    ]);
  });

  it("refuses a pod that says nothing about it, in all that it doesn't say", () => {
    const found = said(restrictedPods, deployment({ containers: [{ name: "service" }] }));
    assert.deepEqual(
      found.map((text) => /found (\S+): nothing/.exec(text)?.[1]),
      ["allowPrivilegeEscalation", "capabilities.drop", "runAsNonRoot", "seccompProfile"],
    );
  });

  it("accepts what each container says in place of its pod", () => {
    const securityContext = { runAsNonRoot: true, seccompProfile: { type: "Localhost" } };
    assert.deepEqual(ofContext(securityContext, { securityContext: undefined }), []);
  });

  it("holds init containers to the same", () => {
    const initContainers = [{ ...container, name: "migrate", securityContext: {} }];
    const found = said(restrictedPods, deployment({ ...pod, initContainers }));
    assert.equal(found.length, 2);
    assert.match(found.join("\n"), /^init container migrate: found allowPrivilegeEscalation: nothing/);
  });

  it("looks into every kind that carries a pod", () => {
    for (const resource of inEveryKind({ ...pod, hostNetwork: true })) {
      assert.equal(said(restrictedPods, resource).length, 1, resource.type);
    }
  });

  it("says nothing of what isn't known yet", () => {
    assert.deepEqual(said(restrictedPods, deployment(unknown)), []);
    assert.deepEqual(
      said(restrictedPods, deployment({ ...pod, containers: [{ securityContext: unknown }] })),
      [],
    );
    assert.deepEqual(ofContext({ capabilities: { drop: [unknown], add: [unknown] } }), []);
    assert.deepEqual(ofContext({ capabilities: { drop: unknown } }), []);
    assert.deepEqual(ofContext({}, { securityContext: unknown, volumes: unknown, hostNetwork: unknown }), []);
  });

  it("has no business with other kinds", () => {
    assert.deepEqual(
      said(restrictedPods, given("kubernetes:core/v1:ConfigMap", { spec: { hostNetwork: true } })),
      [],
    );
  });
});
