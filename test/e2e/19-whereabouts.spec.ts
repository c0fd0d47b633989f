import assert from "node:assert/strict";
import { adminKubeconfig } from "../../local/paths";
import type { LocalStack } from "../../local/localStack";
import { startApiProxy } from "../support/apiProxy";
import { cutover } from "./cutoverCommand";
import { stackOnLegacy, succeeded } from "./world";

const head = /stack local: cluster 127\.0\.0\.1:6443, context \S+/;

describe("Which account and cluster it is about", () => {
  let stack: LocalStack;

  before(async () => {
    stack = await stackOnLegacy("whereabouts");
  });

  it("a preview and an update say before all else", async () => {
    for (const { output } of [succeeded(await stack.preview()), succeeded(await stack.up())]) {
      assert.match(output, head);
    }
  });

  it("cutover status and plan say in their first line", async () => {
    for (const command of ["status", "plan"]) {
      const { code, stdout, stderr } = await cutover(stack, [command, "--stack", "local"]);
      assert.equal(code, 0, stderr);
      assert.match(stdout.split("\n")[0] ?? "", head);
    }
  });

  it("a clock that is wrong is said, and the API server's counts", async () => {
    const proxy = await startApiProxy({ kubeconfig: adminKubeconfig, clockAheadMs: 14 * 60_000 });
    try {
      const environment = { KUBECONFIG: proxy.kubeconfigFile };
      const warning = /found this machine's clock 8[34]\d s behind that of the API server of /;
      const { output } = succeeded(await stack.preview({ environment }));
      assert.match(output, warning);
      const { code, stdout, stderr } = await cutover(
        stack,
        ["status", "--json", "--stack", "local"],
        environment,
      );
      assert.equal(code, 0, stderr);
      const { at, head: lines } = JSON.parse(stdout) as { at: string; head: string[] };
      assert.match(lines[1] ?? "", warning);
      const ahead = Date.parse(at) - Date.now();
      assert(ahead > 13 * 60_000 && ahead < 15 * 60_000, at);
    } finally {
      await proxy.close();
    }
  });
});
