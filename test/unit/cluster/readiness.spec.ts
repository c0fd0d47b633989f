import assert from "node:assert/strict";
import { waitUntilReady } from "../../../cluster/readiness";
import { type Answerer, type HttpStub, type Reply, startHttpStub } from "../support/httpStub";
import { connectTo } from "../support/kubeconfig";

const labels = { "app.kubernetes.io/instance": "frontend-blue" };

/** A Deployment of two pods, both ready. */
function deployment(status: object = {}, spec: object = {}, generation = 3): Reply {
  const well = { observedGeneration: 3, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
  return {
    body: {
      metadata: { generation },
      spec: { replicas: 2, selector: { matchLabels: labels }, ...spec },
      status: { ...well, ...status },
    },
  };
}

function pod(name: string, container: object, metadata: object = {}): object {
  return {
    metadata: { name, ...metadata },
    status: { containerStatuses: [{ ready: false, state: {}, lastState: {}, ...container }] },
  };
}

describe("waitUntilReady", () => {
  let stub: HttpStub | undefined;
  afterEach(() => stub?.close());

  async function wait(answer: Answerer, withinSeconds = 5, capacity = 2): Promise<string[]> {
    const served = await startHttpStub(answer);
    stub = served;
    await waitUntilReady(await connectTo(served.origin), {
      namespace: "apps",
      deployment: "frontend-blue",
      capacity,
      withinSeconds,
    });
    return served.asked.map(({ path }) => decodeURIComponent(path));
  }

  const of =
    (replies: { deployment: () => Reply; pods?: readonly object[]; events?: readonly object[] }): Answerer =>
    ({ path }) => {
      if (path.includes("/deployments/")) return replies.deployment();
      return { body: { items: (path.includes("/pods?") ? replies.pods : replies.events) ?? [] } };
    };

  it("asks once when all pods are ready", async () => {
    const asked = await wait(of({ deployment: () => deployment() }));
    assert.deepEqual(asked, ["/apis/apps/v1/namespaces/apps/deployments/frontend-blue"]);
  });

  for (const [what, notYet] of Object.entries({
    "the newest spec is not seen yet": deployment({}, {}, 4),
    "pods of the old spec are left": deployment({ replicas: 3 }),
    "not all are of the new spec": deployment({ updatedReplicas: 1 }),
    "not all are available": deployment({ availableReplicas: 1 }),
    "a scaler has asked for more": deployment({}, { replicas: 3 }),
  })) {
    it(`goes on waiting while ${what}`, async () => {
      let asked = 0;
      const asks = await wait(of({ deployment: () => ((asked += 1) < 2 ? notYet : deployment()) }));
      assert.equal(asks.filter((path) => path.includes("/deployments/")).length, 2);
    });
  }

  it("holds out for the capacity although the Deployment asks for less", async () => {
    const less = deployment({ replicas: 1, updatedReplicas: 1, availableReplicas: 1 }, { replicas: 1 });
    await assert.rejects(wait(of({ deployment: () => less }), 0.1), /found 1 of 2 pods ready after 0.1 s/);
  });

  it("tells each unready pod's own reasons when time is up", async () => {
    const answer = of({
      deployment: () => deployment({ availableReplicas: 0 }),
      pods: [
        pod("a", { state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 10s" } } }),
        pod("b", { lastState: { terminated: { reason: "Error", exitCode: 7 } } }),
        pod(
          "leaving",
          { state: { waiting: { reason: "Old" } } },
          { deletionTimestamp: "2025-08-11T09:00:00Z" },
        ),
        pod("well", { ready: true }),
      ],
      events: [
        { type: "Warning", reason: "Unhealthy", message: "got 503", involvedObject: { name: "a" } },
        { type: "Warning", reason: "Unhealthy", message: "of others", involvedObject: { name: "x" } },
      ],
    });
    await assert.rejects(wait(answer, 0.1), (error: unknown) => {
      assert(error instanceof Error);
      assert.deepEqual(error.message.split("\n"), [
        "frontend-blue: found 0 of 2 pods ready after 0.1 s, expected all; no traffic was moved to it.",
        "  a: CrashLoopBackOff: back-off 10s",
        "  b: Error: exit code 7",
        "  a: Unhealthy: got 503",
      ]);
      return true;
    });
  });

  it("doesn't wait for what waiting can't mend", async () => {
    const answer = of({
      deployment: () => deployment({ availableReplicas: 1 }),
      pods: [pod("a", { state: { waiting: { reason: "ErrImageNeverPull" } } })],
    });
    const started = Date.now();
    await assert.rejects(
      wait(answer, 30),
      /found 1 of 2 pods ready, expected all.*\n {2}a: ErrImageNeverPull$/,
    );
    assert(Date.now() - started < 5_000);
  });

  describe("when the kubelet can't give a container its ConfigMap", () => {
    const saying = (message: string): object[] => [
      pod("a", { state: { waiting: { reason: "CreateContainerConfigError", message } } }),
    ];
    const unheard = saying("failed to sync configmap cache: timed out waiting for the condition");
    const short = deployment({ availableReplicas: 1 });

    it("waits if it hasn't heard of it yet", async () => {
      let asked = 0;
      await wait(of({ deployment: () => ((asked += 1) < 3 ? short : deployment()), pods: unheard }));
      assert.equal(asked, 3);
    });

    it("says so if that never ends", async () => {
      await assert.rejects(
        wait(of({ deployment: () => short, pods: unheard }), 0),
        /a: CreateContainerConfigError: failed to sync configmap cache/,
      );
    });

    it("doesn't wait if there is none", async () => {
      const pods = saying('configmap "a" not found');
      await assert.rejects(wait(of({ deployment: () => short, pods }), 30), /configmap "a" not found/);
    });
  });

  it("doesn't take an old spec's failure for the new one's", async () => {
    const conditions = [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" }];
    const old = deployment({ conditions }, {}, 4);
    let asked = 0;
    await wait(of({ deployment: () => ((asked += 1) < 2 ? old : deployment()) }));
    assert.equal(asked, 2);
  });

  it("names what is missing from the cluster, and the command that makes it again", async () => {
    await assert.rejects(
      wait(() => ({ status: 404 })),
      /deployments\/frontend-blue: found nothing in the cluster.*pulumi up --refresh/,
    );
  });

  it("says what the API server answered instead", async () => {
    await assert.rejects(
      wait(() => ({ status: 403 })),
      /deployments\/frontend-blue: found status 403/,
    );
  });
});
