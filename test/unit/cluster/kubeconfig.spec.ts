import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { KubeApi, UnreachableError } from "../../../cluster/kubeApi";
import { KubeconfigError, loadClusterAccess } from "../../../cluster/kubeconfig";
import { makeCertificates } from "../support/certificates";
import { type HttpStub, startHttpStub } from "../support/httpStub";
import { kubeconfig, withEnvironment, withKubeconfig } from "../support/kubeconfig";

const server = "https://127.0.0.1:6443";

describe("loadClusterAccess", () => {
  const load = (content: object | string, context?: string): ReturnType<typeof loadClusterAccess> =>
    withKubeconfig(content, () => loadClusterAccess(context));

  it("says where it looked when there is no kubeconfig", async () => {
    await withEnvironment("KUBECONFIG", "/nowhere/config", () =>
      assert.rejects(loadClusterAccess(), {
        name: "KubeconfigError",
        message: "found no kubeconfig at /nowhere/config, expected one there or where KUBECONFIG says",
      }),
    );
  });

  it("looks in the home folder without KUBECONFIG", async () => {
    await withEnvironment("KUBECONFIG", "", () =>
      withEnvironment("HOME", "/nowhere", () =>
        assert.rejects(loadClusterAccess(), /found no kubeconfig at \/nowhere\/\.kube\/config/),
      ),
    );
  });

  it("names the contexts that there are when the one asked for is missing", async () => {
    await assert.rejects(load(kubeconfig(server), "other"), (error: unknown) => {
      assert(error instanceof KubeconfigError);
      assert.match(error.message, /found no complete context other, expected one of: test$/);
      return true;
    });
  });

  it("says so when no context is current", async () => {
    const content = { ...kubeconfig(server), "current-context": undefined };
    await assert.rejects(
      load(JSON.parse(JSON.stringify(content)) as object),
      /\(none is current\), expected one of: test/,
    );
  });

  it("refuses a context whose user is missing", async () => {
    await assert.rejects(load({ ...kubeconfig(server), users: [] }), /found no complete context test/);
  });

  for (const [what, content] of Object.entries({
    "a file that is no map": "just text",
    "a file without clusters": { contexts: [], users: [] },
    "a server that is no URL": kubeconfig("nowhere"),
    "malformed YAML": "clusters: [",
  })) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(load(content), KubeconfigError);
    });
  }

  it("takes the context asked for rather than the current one", async () => {
    const content = {
      "current-context": "a",
      clusters: ["a", "b"].map((name) => ({ name, cluster: { server: `https://${name}.example` } })),
      contexts: ["a", "b"].map((name) => ({ name, context: { cluster: name, user: "u" } })),
      users: [{ name: "u", user: {} }],
    };
    const access = await load(content, "b");
    assert.equal(access.context, "b");
    assert.equal(access.server.origin, "https://b.example");
  });

  it("takes a token as it stands, and one in a file without its line break", async () => {
    assert.equal((await load(kubeconfig(server, { token: "abc" }))).token, "abc");
    await withKubeconfig("", async (folder) => {
      const tokenFile = path.join(folder, "token");
      fs.writeFileSync(tokenFile, "from-file\n");
      assert.equal((await load(kubeconfig(server, { tokenFile }))).token, "from-file");
    });
  });

  it("takes certificates as they stand and in files beside the kubeconfig", async () => {
    const base64 = (text: string): string => Buffer.from(text).toString("base64");
    const inside = await load(
      kubeconfig(
        server,
        { "client-certificate-data": base64("cert"), "client-key-data": base64("key") },
        { "certificate-authority-data": base64("ca") },
      ),
    );
    const inFiles = await withKubeconfig(
      kubeconfig(
        server,
        { "client-certificate": "cert.pem", "client-key": "key.pem" },
        { "certificate-authority": "ca.pem" },
      ),
      (folder) => {
        for (const name of ["cert", "key", "ca"]) fs.writeFileSync(path.join(folder, `${name}.pem`), name);
        return loadClusterAccess();
      },
    );
    for (const { ca, certificate, key } of [inside, inFiles]) {
      assert.deepEqual([ca, certificate, key].map(String), ["ca", "cert", "key"]);
    }
  });

  it("names the file that it points to in vain", async () => {
    await assert.rejects(load(kubeconfig(server, { "client-certificate": "gone.pem" })), {
      name: "KubeconfigError",
      message: /gone\.pem/,
    });
  });

  describe("with a credential plugin", () => {
    const plugin = (script: string): object => ({
      exec: {
        apiVersion: "client.authentication.k8s.io/v1",
        command: process.execPath,
        args: ["-e", script],
        env: [{ name: "PLUGIN_GREETING", value: "hello" }],
      },
    });

    it("takes the token that it prints, and gives it its environment", async () => {
      const script = `
        const { apiVersion, kind } = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
        const token = [process.env.PLUGIN_GREETING, apiVersion, kind].join(" ");
        console.log(JSON.stringify({ status: { token } }));`;
      const { token } = await load(kubeconfig(server, plugin(script)));
      assert.equal(token, "hello client.authentication.k8s.io/v1 ExecCredential");
    });

    it("takes the certificate that it prints", async () => {
      const status = { clientCertificateData: "cert", clientKeyData: "key" };
      const script = `console.log(${JSON.stringify(JSON.stringify({ status }))})`;
      const { certificate, key } = await load(kubeconfig(server, plugin(script)));
      assert.deepEqual([certificate, key].map(String), ["cert", "key"]);
    });

    for (const [what, user] of Object.entries({
      "is missing": { exec: { apiVersion: "v1", command: "no-such-plugin" } },
      fails: plugin("console.error('please log in'); process.exit(1)"),
      "prints something else": plugin("console.log('hello')"),
    })) {
      it(`names the plugin that ${what}`, async () => {
        await assert.rejects(load(kubeconfig(server, user)), (error: unknown) => {
          assert(error instanceof KubeconfigError, String(error));
          assert.match(error.message, what === "is missing" ? /no-such-plugin/ : /node/);
          return true;
        });
      });
    }
  });
});

describe("KubeApi", () => {
  let stub: HttpStub | undefined;
  afterEach(() => stub?.close());

  it("sends the token, the method and the body, and returns whatever it is answered", async () => {
    stub = await startHttpStub(() => ({
      status: 418,
      headers: { "x-answer": "yes" },
      body: "short and stout",
    }));
    const api = await withKubeconfig(kubeconfig(stub.origin), () => KubeApi.connect());
    const answer = await api.ask("/teapot?full=1", { method: "POST", body: { tea: "green" } });
    assert.equal(answer.status, 418);
    assert.equal(answer.headers["x-answer"], "yes");
    assert.equal(answer.body, "short and stout");
    const [asked] = stub.asked;
    assert(asked);
    assert.deepEqual(
      [asked.method, asked.path, asked.body, asked.headers.authorization, asked.headers["content-type"]],
      ["POST", "/teapot?full=1", '{"tea":"green"}', "Bearer test-token", "application/json"],
    );
  });

  it("shows its certificate, and trusts only the authority that the kubeconfig names", async () => {
    const { server: own, client } = await makeCertificates("engineer");
    stub = await startHttpStub(() => ({}), {
      cert: own.certificate,
      key: own.key,
      ca: own.certificate,
      requestCert: true,
    });
    const base64 = (text: string): string => Buffer.from(text).toString("base64");
    const user = {
      "client-certificate-data": base64(client.certificate),
      "client-key-data": base64(client.key),
    };
    const cluster = { "certificate-authority-data": base64(own.certificate) };
    const trusting = await withKubeconfig(kubeconfig(stub.origin, user, cluster), () => KubeApi.connect());
    assert.equal((await trusting.ask("/")).status, 200);
    assert.equal(stub.asked[0]?.clientName, "engineer");
    const wary = await withKubeconfig(kubeconfig(stub.origin, user), () => KubeApi.connect());
    await assert.rejects(wary.ask("/"), /cluster test .* can't be reached: self-signed certificate/);
  });

  it("names the cluster that can't be reached", async () => {
    stub = await startHttpStub(() => ({}));
    const { origin } = stub;
    const api = await withKubeconfig(kubeconfig(origin), () => KubeApi.connect());
    await stub.close();
    stub = undefined;
    await assert.rejects(api.ask("/"), (error: unknown) => {
      assert(error instanceof UnreachableError);
      assert(
        error.message.startsWith(`cluster test (${origin}) can't be reached: connect ECONNREFUSED`),
        error.message,
      );
      return true;
    });
  });
});
