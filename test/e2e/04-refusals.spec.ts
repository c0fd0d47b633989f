import assert from "node:assert/strict";
import { z } from "zod";
import { type Answer, type Question, ask } from "../../cluster/kubeApi";
import { backendHeader } from "../../cluster/names";
import { editStackFile, removeFromStackFile, setTraffic } from "../../config/edit";
import type { LocalStack } from "../../local/localStack";
import { gatewayAddress } from "../../local/platform/gateway";
import { runningParts } from "../../local/platform/processes";
import { kubectl } from "../../local/platform/cluster";
import { isAccepted } from "../support/userToken";
import { underLoad } from "./load";
import { commitSplit, refused, split, stackOnLegacy, succeeded, tools } from "./world";

describe("an update that must not go through", () => {
  let stack: LocalStack;

  before(async () => {
    stack = await stackOnLegacy("refusals");
  });

  it("is refused by the smoke check of a candidate that is ready but wrong, and traffic has not moved", async () => {
    const shots = await underLoad("mcp-server", 100, async () => {
      await stack.commit("an MCP server that lost a tool", (text) =>
        setTraffic(
          editStackFile(
            text,
            ["config", "pyairtable:mcp-server", "green"],
            "localhost/pyairtable-mcp-server:thirteen-tools",
          ),
          "mcp-server",
          { legacy: 50, blue: 0, green: 50 },
        ),
      );
      const { output } = refused(
        await stack.up(),
        /lists 14 tools: found 13 at \/result\/tools, expected 14/,
      );
      assert.match(output, /pyairtable:mcp-server: green failed its smoke check; no traffic was moved to it/);
    });
    assert.deepEqual([...new Set(shots.map(({ backend }) => backend))], ["legacy"]);
    await stack.revert(1);
    succeeded(await stack.up());
    succeeded(await stack.preview());
  });

  it("keeps what lost its traffic until the data plane has proven the new split, and converges on a rerun", async () => {
    await commitSplit(stack, "docs", split("blue 100"));
    succeeded(await stack.up());
    await stack.commit("docs: back on legacy, and no blue any more", (text) =>
      removeFromStackFile(setTraffic(text, "docs", split("legacy 100")), [
        "config",
        "pyairtable:docs",
        "blue",
      ]),
    );
    const contour = runningParts().find(({ name }) => name === "contour");
    assert.ok(contour);
    process.kill(contour.pid, "SIGSTOP");
    try {
      const { seconds } = refused(
        await stack.up(),
        /docs\.localhost: the new split is not proven within 20 s; nothing was scaled down/,
      );
      assert.ok(seconds < 40, `gave up after ${seconds} s`);
      assert.match(await deployments(), /^docs-blue$/m);
    } finally {
      process.kill(contour.pid, "SIGCONT");
    }
    succeeded(await stack.up());
    assert.doesNotMatch(await deployments(), /^docs-blue$/m);
    succeeded(await stack.preview());
  });

  it("is drift when somebody edited weights by hand, but a way back of another target goes first, and of this one too", async () => {
    await commitSplit(stack, "api-gateway", split("blue 100"));
    succeeded(await stack.up());
    await commitSplit(stack, "frontend", split("legacy 90 / blue 10"));
    succeeded(await stack.up());
    await editWeights("api-gateway", [40, 60, 0]);
    refused(await stack.up(), /pyairtable:api-gateway\.traffic \(drift\)/);

    await stack.revert(1);
    const back = succeeded(await stack.up());
    assert.match(back.output, /A way back goes first; these routes are left as they are/);
    assert.match(await httpRoute("frontend"), /"pyairtable\.dev\/split":"legacy 100"/);
    assert.match(await httpRoute("api-gateway"), /"weight":60/);

    await commitSplit(stack, "api-gateway", split("legacy 100"));
    succeeded(await stack.up());
    assert.doesNotMatch(await httpRoute("api-gateway"), /"weight":60/);
    succeeded(await stack.preview());
  });

  it("leaves a session of auth-service valid on the other backend", async () => {
    const issued = await askBackend("legacy", "/token", { method: "POST", body: "a user" });
    const { token } = z.object({ token: z.string() }).parse(JSON.parse(issued.body));
    const validated = await askBackend("blue", "/token/validate", {
      headers: { authorization: `Bearer ${token}` },
    });
    assert.ok(isAccepted(validated), validated.body);
  });
});

async function httpRoute(target: string): Promise<string> {
  return kubectl(await tools(), ["-n", "pyairtable", "get", "httproute", target, "-o", "json"]).then((json) =>
    JSON.stringify(JSON.parse(json)),
  );
}

/** As `kubectl edit` would: another field manager, which then owns the weights. */
async function editWeights(target: string, weights: readonly number[]): Promise<void> {
  const routeSchema = z.object({ spec: z.object({ rules: z.array(z.unknown()) }) });
  const { spec } = routeSchema.parse(JSON.parse(await httpRoute(target)));
  const users = spec.rules.length - 1;
  const patch = weights.map((value, index) => ({
    op: "replace",
    path: `/spec/rules/${users}/backendRefs/${index}/weight`,
    value,
  }));
  await kubectl(await tools(), [
    ...["-n", "pyairtable", "patch", "httproute", target, "--type=json", "--field-manager=kubectl-edit"],
    ...["-p", JSON.stringify(patch)],
  ]);
}

async function deployments(): Promise<string> {
  return kubectl(await tools(), ["-n", "pyairtable", "get", "deployments", "-o", "name"]).then((names) =>
    names.replaceAll("deployment.apps/", ""),
  );
}

function askBackend(backend: string, path: string, question: Question = {}): Promise<Answer> {
  return ask(new URL(path, `http://${gatewayAddress}`), {
    ...question,
    headers: { ...question.headers, host: "auth-service.localhost", [backendHeader]: backend },
  });
}
