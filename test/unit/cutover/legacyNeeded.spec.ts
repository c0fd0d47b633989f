import assert from "node:assert/strict";
import { parseStackConfig } from "../../../config/parse";
import { stillNeeded } from "../../../cutover/legacyNeeded";
import type { LiveRoute } from "../../../migration";
import { onBlue, recordOf } from "../components/fixtures";
import { digest, stackFile } from "../config/stackFile";

const retired = { docs: { blue: digest, traffic: onBlue, legacy: "retired" } };

function needed(
  route: LiveRoute | undefined,
  file: Parameters<typeof stackFile>[0] = retired,
): string | undefined {
  return stillNeeded("docs", route, parseStackConfig(stackFile(file)));
}

describe("the monorepo's container of a target can be stopped", () => {
  const isRetired = recordOf("docs", onBlue, { legacy: "retired" });

  it("once file and live route say that legacy is retired", () => {
    assert.equal(needed(isRetired), undefined);
  });

  const refusals: [string, LiveRoute | undefined, string, Parameters<typeof stackFile>[0]?][] = [
    [
      "not while the file keeps it as the way back",
      isRetired,
      "pyairtable:docs.legacy: found standby, expected retired: it is the way back",
      { docs: { blue: digest, traffic: onBlue } },
    ],
    [
      "not while the live route keeps it as the way back",
      recordOf("docs", onBlue),
      "pyairtable:docs: found legacy on standby in the live route, expected retired: pulumi up",
    ],
    [
      "not while it has traffic, whatever the file says",
      recordOf("docs", { legacy: 10, blue: 90, green: 0 }),
      "pyairtable:docs: found live traffic legacy 10 / blue 90, expected none on legacy",
    ],
    [
      "not without a route",
      undefined,
      "pyairtable:docs: found no live route, expected one that says legacy is retired",
    ],
    [
      "not with a route that can't be believed",
      { tampered: "its weights sum to 90" },
      "pyairtable:docs: found a route that was changed by hand (its weights sum to 90)",
    ],
  ];
  for (const [what, route, text, file] of refusals) {
    it(what, () => assert.equal(needed(route, file), text));
  }
});
