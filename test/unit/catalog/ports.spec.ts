import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { catalogEntry, routedTargets } from "../../../catalog";
import { parseStackFile } from "../../../config/stackFile";
import { checkoutDir } from "../../../local/paths";
import { hostAddress } from "../../../local/platform/network";
import ports from "../../../local/ports.json";

describe("the ports that the preflight asks for", () => {
  it("are those at which the catalog reaches the monorepo", () => {
    assert.deepEqual(
      routedTargets.map((target) => ports[`legacy-${target}`]),
      routedTargets.map((target) => catalogEntry(target).legacyPort),
    );
  });

  it("are where the local stack's releases reach the gateway", () => {
    const { internalGateway } = parseStackFile(
      fs.readFileSync(path.join(checkoutDir, "Pulumi.local.yaml"), "utf8"),
    ).platform;
    assert.deepEqual(internalGateway, { address: hostAddress, port: ports["internal-gateway"] });
  });

  it("are each given once", () => {
    const all = Object.values(ports);
    assert.deepEqual([...new Set(all)], all);
  });
});
