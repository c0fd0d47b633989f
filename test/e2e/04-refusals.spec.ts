import assert from "node:assert/strict";
import { z } from "zod";
import { type Answer, type Question, ask } from "../../cluster/kubeApi";
import { backendHeader } from "../../cluster/names";
import { editStackFile, removeFromStackFile, setTraffic } from "../../config/edit";
import type { LocalStack } from "../../local/localStack";
import { gatewayAddress } from "../../local/platform/gateway";
import { runningParts } from "../../local/platform/processes";
import { kubectl } from "../../local/platform/cluster";
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

  it("leaves a session of auth-service valid on the other backend", async () => {
    const issued = await askBackend("legacy", "/token", { method: "POST", body: "a user" });
    const { token } = z.object({ token: z.string() }).parse(JSON.parse(issued.body));
    const validated = await askBackend("blue", "/token/validate", {
      headers: { authorization: `Bearer ${token}` },
    });
    assert.equal(validated.status, 200, validated.body);
  });
});

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
