import assert from "node:assert/strict";
import { findImage, listTags } from "../../../registry/client";
import type { ImageRepository } from "../../../registry/reference";
import { RegistryError } from "../../../registry/registryError";
import { type Access, TestRegistry, freePort, puller } from "../../support/registry";
import {
  type TokenServer,
  publicRepository,
  refreshToken,
  startTokenServer,
} from "../../support/tokenServer";
import { type HttpStub, type Reply, startHttpStub } from "../support/httpStub";
import { DockerConfig } from "./dockerConfig";

const name = "pyairtable-frontend";

async function refused(asked: Promise<unknown>, message: string | RegExp): Promise<void> {
  await assert.rejects(asked, (error) => {
    assert.ok(error instanceof RegistryError, String(error));
    if (typeof message === "string") assert.equal(error.message, message);
    else assert.match(error.message, message);
    assert.doesNotMatch(error.message, new RegExp(puller.password));
    return true;
  });
}

describe("a real registry", function () {
  this.timeout(30_000);
  let docker: DockerConfig;
  let tokens: TokenServer;
  const binary = process.env["DOCKER_REGISTRY"];

  before(async function () {
    if (binary === undefined) {
      console.log("    skipped: DOCKER_REGISTRY doesn't name the binary docker-registry");
      this.skip();
    }
    tokens = await startTokenServer();
  });
  // Not there when it was skipped.
  after(() => (tokens as TokenServer | undefined)?.close());
  beforeEach(() => {
    docker = new DockerConfig();
  });
  afterEach(() => docker.remove());

  async function withRegistry(
    access: Access,
    use: (registry: TestRegistry, repository: ImageRepository) => Promise<void>,
  ): Promise<void> {
    assert.ok(binary);
    const registry = await TestRegistry.start(binary, access);
    try {
      await use(registry, { host: registry.host, name });
    } finally {
      await registry.close();
    }
  }

  it("tells the digest of a tag, and of a digest", () =>
    withRegistry("anybody", async (registry, repository) => {
      const digest = await registry.push(name, "1.0.0");
      assert.deepEqual(await findImage(repository, "1.0.0"), { digest, platforms: [] });
      assert.deepEqual(await findImage(repository, digest), { digest, platforms: [] });
    }));

  it("tells the digest of the index where an image is made for several platforms, and names these", () =>
    withRegistry("anybody", async (registry, repository) => {
      const digest = await registry.pushIndex(name, "1.0.0", ["amd64", "arm64"]);
      const platforms = ["linux/amd64", "linux/arm64"];
      assert.deepEqual(await findImage(repository, "1.0.0"), { digest, platforms });
    }));

  it("has nothing under another tag or digest, or in another repository", () =>
    withRegistry("anybody", async (registry, repository) => {
      const digest = await registry.push(name, "1.0.0");
      assert.equal(await findImage(repository, "1.0.1"), undefined);
      assert.equal(await findImage(repository, `sha256:${"0".repeat(64)}`), undefined);
      assert.equal(await findImage({ ...repository, name: "pyairtable-docs" }, digest), undefined);
    }));

  it("tells the tags of a repository, and nothing of one that it doesn't have", () =>
    withRegistry("anybody", async (registry, repository) => {
      await registry.push(name, "1.0.0");
      await registry.push(name, "1.1.0");
      assert.deepEqual([...((await listTags(repository)) ?? [])].sort(), ["1.0.0", "1.1.0"]);
      assert.equal(await listTags({ ...repository, name: "other" }), undefined);
    }));

  it("is shown name and password where it asks for them, and says so when they are missing or wrong", () =>
    withRegistry("password", async (registry, repository) => {
      const { host } = registry;
      const digest = await registry.push(name, "1.0.0");
      await refused(
        findImage(repository, "1.0.0"),
        `${host} asks for credentials, and ${docker.file} has none for it: docker login ${host}`,
      );
      docker.login(host, puller.username, "wrong");
      await refused(
        findImage(repository, "1.0.0"),
        `${host} refuses the user puller, as ${docker.file} has it: docker login ${host}`,
      );
      docker.write({ auths: { [host]: { identitytoken: refreshToken } } });
      await refused(findImage(repository, "1.0.0"), /refuses the identity token/);
      docker.login(host, puller.username, puller.password);
      assert.equal((await findImage(repository, "1.0.0"))?.digest, digest);
    }));

  it("is shown a token where it asks for one, which name and password or an identity token buy", () =>
    withRegistry(tokens.access, async (registry, repository) => {
      const { host } = registry;
      const digest = await registry.push(name, "1.0.0");
      docker.login(host, puller.username, puller.password);
      assert.equal((await findImage(repository, "1.0.0"))?.digest, digest);
      const path = `/token?service=test-registry&scope=${encodeURIComponent(`repository:${name}:pull`)}`;
      assert.equal(tokens.asked.at(-1)?.path, path);
      docker.write({ auths: { [host]: { identitytoken: refreshToken } } });
      assert.equal((await findImage(repository, "1.0.0"))?.digest, digest);
      assert.equal(tokens.asked.at(-1)?.method, "POST");
      assert.equal(tokens.asked.at(-1)?.path, "/token");
    }));

  it("gives everybody a token for what is public, and asks for credentials for the rest", () =>
    withRegistry(tokens.access, async (registry, repository) => {
      const digest = await registry.push(publicRepository, "1.0.0");
      assert.equal((await findImage({ ...repository, name: publicRepository }, "1.0.0"))?.digest, digest);
      await refused(findImage(repository, "1.0.0"), /asks for credentials, and \S+ has none for it/);
    }));

  it("gives no token for a wrong password or identity token", () =>
    withRegistry(tokens.access, async (registry, repository) => {
      docker.login(registry.host, puller.username, "wrong");
      await refused(findImage(repository, "1.0.0"), /refuses the user puller/);
      docker.write({ auths: { [registry.host]: { identitytoken: "wrong" } } });
      await refused(findImage(repository, "1.0.0"), /refuses the identity token/);
    }));
});

describe("a registry that doesn't answer as one", () => {
  let docker: DockerConfig;
  let stub: HttpStub | undefined;
  beforeEach(() => {
    docker = new DockerConfig();
  });
  afterEach(async () => {
    docker.remove();
    await stub?.close();
    stub = undefined;
  });

  /** @returns what is asked of a registry that always answers so */
  async function asking(reply: Reply, reference = "1.0.0"): Promise<unknown> {
    stub = await startHttpStub(() => reply);
    docker.login(stub.address, puller.username, puller.password);
    return findImage({ host: stub.address, name }, reference);
  }

  it("isn't there", async () => {
    const host = `127.0.0.1:${await freePort()}`;
    await refused(
      findImage({ host, name }, "1.0.0"),
      `${host} can't be reached: connect ECONNREFUSED ${host}`,
    );
    const unknown = { host: "registry.invalid", name };
    await refused(
      findImage(unknown, "1.0.0"),
      /^registry\.invalid can't be reached: getaddrinfo \w+ registry\.invalid$/,
    );
    assert.equal(await listTags({ host, name }), undefined);
  });

  it("isn't asked in clear, unless it is on this machine", async () => {
    stub = await startHttpStub(() => ({ status: 404 }));
    // The same address by a name that isn't this machine's own.
    const host = `0.0.0.0:${stub.port}`;
    await refused(findImage({ host, name }, "1.0.0"), new RegExp(`^${host} can't be reached: `));
    assert.deepEqual(stub.asked, []);
  });

  it("doesn't let the user in, in its own words", async () => {
    const body = { errors: [{ code: "DENIED", message: "not for you" }] };
    const headers = { "www-authenticate": 'Basic realm="test"' };
    let calls = 0;
    stub = await startHttpStub(() => (calls++ === 0 ? { status: 401, headers } : { status: 403, body }));
    docker.login(stub.address, puller.username, puller.password);
    await refused(
      findImage({ host: stub.address, name }, "1.0.0"),
      `${stub.address} doesn't let the user puller read ${name}: not for you`,
    );
  });

  it("fails, with or without words of its own", async () => {
    await refused(
      asking({ status: 500, body: { errors: [{ message: "disk full" }] } }),
      /answered 500 for pyairtable-frontend: disk full$/,
    );
    await refused(
      asking({ status: 503, body: "<html>" }),
      /answered 503 for pyairtable-frontend: Service Unavailable$/,
    );
  });

  it("answers with what is no image, or another one", async () => {
    const message = /answered for pyairtable-frontend, \S+, with something else than that image$/;
    await refused(asking({ body: "<html>" }), message);
    const image = { config: { digest: "sha256:0" }, layers: [] };
    await refused(asking({ body: image, headers: { "docker-content-digest": "sha256:0" } }), message);
    await refused(asking({ body: image }, `sha256:${"0".repeat(64)}`), message);
  });

  it("sends for a token to where the password would be read by others", async () => {
    for (const realm of ["http://tokens.example/", "nowhere"]) {
      const headers = { "www-authenticate": `Bearer realm="${realm}",service="x"` };
      await refused(
        asking({ status: 401, headers }),
        new RegExp(`sends to "${realm}" for a token, expected an https address$`),
      );
    }
  });

  it("gives no token", async () => {
    stub = await startHttpStub(({ path, host }) =>
      path.startsWith("/token")
        ? { body: {} }
        : { status: 401, headers: { "www-authenticate": `Bearer realm="http://${host}/token"` } },
    );
    await refused(
      findImage({ host: stub.address, name }, "1.0.0"),
      `${stub.address} gives no token for ${stub.address}/${name}`,
    );
  });
});
