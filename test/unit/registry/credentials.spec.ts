import assert from "node:assert/strict";
import { credentialsFor } from "../../../registry/credentials";
import { RegistryError } from "../../../registry/registryError";
import { DockerConfig } from "./dockerConfig";

const host = "registry.example";
const auth = Buffer.from("me:pass:word").toString("base64");
const mine = { kind: "password", username: "me", password: "pass:word" };

describe("credentials for a registry", () => {
  let docker: DockerConfig;
  beforeEach(() => {
    docker = new DockerConfig();
  });
  afterEach(() => docker.remove());

  const refused = (message: RegExp): Promise<void> =>
    assert.rejects(credentialsFor(host), (error) => {
      assert.ok(error instanceof RegistryError);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /pass|hidden/);
      return true;
    });

  it("are none without Docker's config, or where it has none for the host", async () => {
    assert.equal(await credentialsFor(host), undefined);
    for (const content of [{}, { auths: { "other.example": { auth } } }, { auths: { [host]: {} } }]) {
      docker.write(content);
      assert.equal(await credentialsFor(host), undefined);
    }
  });

  it("are what docker login wrote, under the host or a URL of it", async () => {
    for (const address of [host, `https://${host}`, `https://${host}/v1/`]) {
      docker.write({ auths: { "other.example": {}, [address]: { auth } } });
      assert.deepEqual(await credentialsFor(host), mine);
    }
  });

  it("may be a token instead of a password", async () => {
    docker.write({ auths: { [host]: { auth: "", identitytoken: "hidden" } } });
    assert.deepEqual(await credentialsFor(host), { kind: "identity token", token: "hidden" });
    docker.write({ credsStore: "keys" });
    docker.helper("keys", `echo '{"Username":"<token>","Secret":"hidden"}'`);
    assert.deepEqual(await credentialsFor(host), { kind: "identity token", token: "hidden" });
  });

  it("come from the host's own helper first, which is told the host on stdin", async () => {
    docker.write({ credHelpers: { [host]: "own" }, credsStore: "all", auths: { [host]: { auth } } });
    docker.helper("own", `test "$(cat) $1" = "${host} get" && echo '{"Username":"own","Secret":"s"}'`);
    assert.deepEqual(await credentialsFor(host), { kind: "password", username: "own", password: "s" });
  });

  it("come from the file where a helper knows none", async () => {
    docker.write({ credsStore: "all", auths: { [host]: { auth } } });
    docker.helper("all", "echo 'credentials not found in native keychain'; exit 1");
    assert.deepEqual(await credentialsFor(host), mine);
  });

  it("can't be had of a helper that is missing, fails, or answers with something else", async () => {
    docker.write({ credsStore: "keys" });
    await refused(
      /docker-credential-keys, which \S+config\.json names for registry\.example, can't be run: is it on PATH\?$/,
    );
    docker.helper("keys", "echo 'the vault is locked'; echo more; exit 1");
    await refused(/failed: the vault is locked$/);
    docker.helper("keys", "echo hidden");
    await refused(/answered with something else than credentials$/);
  });

  it("can't be had of a file that isn't Docker's, of which nothing is shown", async () => {
    for (const content of ["{ hidden", { auths: "hidden" }]) {
      docker.write(content);
      await refused(/config\.json can't be read, expected what docker login writes$/);
    }
  });
});
