import assert from "node:assert/strict";
import { secretName } from "../../../components/hashedName";
import { parseStackConfig } from "../../../config/parse";
import { withContents } from "../../../stack/contents";
import type { Contents } from "../../../migration";
import { digest, stackFile, type File } from "../config/stackFile";

describe("what a route records of settings and secrets", () => {
  async function contentsOf(frontend: NonNullable<File["frontend"]>): Promise<Contents | undefined> {
    const file: File = { frontend };
    return (await withContents(parseStackConfig(stackFile(file)))).targets.frontend.contents;
  }

  it("is of the colors that run, and says nothing where there are none", async () => {
    assert.deepEqual(await contentsOf({ blue: digest, settings: { green: { A: "1" } } }), { blue: {} });
  });

  it("is another when a name or a value is another, and the same whatever the order", async () => {
    const settings = async (blue: object): Promise<string> => {
      const contents = await contentsOf({ blue: digest, settings: { blue } });
      return contents?.blue?.settings ?? assert.fail("no settings");
    };
    assert.equal(await settings({ A: "1", B: "2" }), await settings({ B: "2", A: "1" }));
    const different = [{ A: "1" }, { A: "2" }, { B: "1" }, { A: "1", B: "1" }];
    assert.equal(new Set(await Promise.all(different.map(settings))).size, different.length);
  });

  it("tells no more of a secret than its Secret's own name, which is slow to guess from", async () => {
    const blue = { TOKEN: "s3cret" };
    const contents = await contentsOf({ blue: digest, secrets: { blue } });
    assert.deepEqual(contents, {
      blue: { secrets: (await secretName("frontend-blue", blue)).slice("frontend-blue-".length) },
    });
  });
});
