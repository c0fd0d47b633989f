import assert from "node:assert/strict";
import path from "node:path";
import { editStackFile, removeFromStackFile, setTraffic } from "../../config/edit";
import { LocalStack } from "../../local/localStack";
import { outDir } from "../../local/paths";
import { cutover } from "./cutoverCommand";
import { commitSplit, refused, split, succeeded, tools } from "./world";

describe("the plan's rules, on a real stack", () => {
  let stack: LocalStack;

  before(async () => {
    // As the checkout's file is: without the overrides that other tests have.
    stack = await LocalStack.create(await tools(), path.join(outDir, "e2e", "rules"));
    succeeded(await stack.up({ refresh: true }));
  });

  it("refuse what is out of order, by update and command alike, before anything changes", async () => {
    await commitSplit(stack, "docs", split("legacy 90 / blue 10"));
    refused(
      await stack.up(),
      /nothing was changed[^]*docs\n\s+pyairtable:docs.traffic \(order\)\n\s+found: +legacy 90 \/ blue 10 while frontend is staged/,
    );
    await stack.revert(1);
    const { code, stderr } = await cutover(stack, ["advance", "docs", "--yes"]);
    assert.deepEqual([code, /\(order\)/.test(stderr)], [3, true], stderr);
    succeeded(await stack.preview());
  });

  it("are set aside by an override, which every preview shows until it is gone", async () => {
    await stack.commit("docs: an override", (text) =>
      text.replace(
        "  pyairtable:docs:\n",
        "  pyairtable:docs:\n    overrides:\n      # A time without quotes is a time all the same.\n      - {rule: order, reason: a test, approver: Grace, expires: 2125-01-01T00:00:00Z}\n",
      ),
    );
    await commitSplit(stack, "docs", split("legacy 90 / blue 10"));
    const shown = /docs: rule order is set aside until 2125-01-01T00:00:00Z \(a test; approved by Grace\)/;
    assert.match(succeeded(await stack.up()).output, shown);
    assert.match(succeeded(await stack.preview()).output, shown);
    const { stdout } = await cutover(stack, ["status"]);
    assert.match(stdout, shown);
    await stack.revert(1);
    succeeded(await stack.up());
  });

  it("ask staging where a color gains weight, and no way back depends on it", async () => {
    await commitSplit(stack, "frontend", split("legacy 90 / blue 10"));
    succeeded(await stack.up());
    await stack.commit("staging is a stack that isn't there", (text) =>
      editStackFile(text, ["config", "pyairtable:staging"], { stack: "absent" }),
    );
    await commitSplit(stack, "frontend", split("legacy 50 / blue 50"));
    const unreadable = /pyairtable:frontend.blue \(staging-first\)[^]*staging can't be read: .*absent/;
    refused(await stack.up(), unreadable);
    const { stdout } = await cutover(stack, ["plan"]);
    assert.match(stdout, /refused by staging-first: .*staging can't be read/);
    await commitSplit(stack, "frontend", split("legacy 100"));
    succeeded(await stack.up());
  });

  it("let a digest have weight that staging has completed", async () => {
    // This stack is its own staging: what it has had at 100 % is completed from the next update on.
    await stack.commit("no staging", (text) => removeFromStackFile(text, ["config", "pyairtable:staging"]));
    await commitSplit(stack, "frontend", split("blue 100"));
    succeeded(await stack.up());
    await commitSplit(stack, "frontend", split("legacy 100"));
    succeeded(await stack.up());
    await stack.commit("staging is this stack itself", (text) =>
      editStackFile(text, ["config", "pyairtable:staging"], { stack: "local" }),
    );
    await commitSplit(stack, "frontend", split("legacy 90 / blue 10"));
    succeeded(await stack.up());
    await commitSplit(stack, "frontend", split("legacy 100"));
    await stack.commit("airtable-gateway: a release that nobody has seen", (text) =>
      setTraffic(
        editStackFile(
          text,
          ["config", "pyairtable:airtable-gateway", "green"],
          "localhost/pyairtable-airtable-gateway:1.1.0",
        ),
        "airtable-gateway",
        split("legacy 90 / green 10"),
      ),
    );
    refused(
      await stack.up(),
      /pyairtable:airtable-gateway.green \(staging-first\)[^]*staging has not completed/,
    );
    await stack.revert(1);
    succeeded(await stack.up());
  });
});
