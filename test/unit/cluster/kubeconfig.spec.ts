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
  const load = (content: object | string, kubeContext?: string): ReturnType<typeof loadClusterAccess> =>
    withKubeconfig(content, () => loadClusterAccess({ kubeContext }));

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

  describe("for an EKS cluster", () => {
    const arn = (name: string): string => `arn:aws:eks:eu-central-1:123456789012:cluster/${name}`;
    const aws = { account: "123456789012", region: "eu-central-1" };
    /** As the AWS CLI writes it. */
    const written = (contexts: Readonly<Record<string, string>>, current: string): object => ({
      "current-context": current,
      clusters: Object.values(contexts).map((name) => ({
        name,
        cluster: { server: `https://${name.split("/")[1] ?? name}.eu-central-1.eks.amazonaws.com` },
      })),
      contexts: Object.entries(contexts).map(([name, cluster]) => ({
        name,
        context: { cluster, user: "u" },
      })),
      users: [{ name: "u", user: { token: "t" } }],
    });
    const contextFor = async (content: object, kubeContext?: string): Promise<string> => {
      const wanted = { cluster: { eks: "staging" }, aws, kubeContext };
      return (await withKubeconfig(content, () => loadClusterAccess(wanted))).context;
    };
    const refusal = async (content: object, kubeContext?: string): Promise<string> => {
      const error = await contextFor(content, kubeContext).catch((thrown: unknown) => thrown);
      assert(error instanceof KubeconfigError, String(error));
      return error.message.replace(/^.*\/config: /, "");
    };

    it("takes the context that is asked for, if it leads there", async () => {
      const content = written({ production: arn("production"), mine: arn("staging") }, "production");
      assert.equal(await contextFor(content, "mine"), "mine");
    });

    it("refuses a context that leads elsewhere, and says how to make it", async () => {
      const content = written({ mine: arn("production"), other: arn("staging") }, "other");
      assert.equal(
        await refusal(content, "mine"),
        `found the context mine leading to ${arn("production")}, expected ${arn("staging")}: aws eks update-kubeconfig --region eu-central-1 --name staging --alias mine makes it; nothing was changed`,
      );
      assert.match(
        await refusal(content, "gone"),
        /^found the context gone leading to nothing, expected arn/,
      );
    });

    it("finds the context by itself, the current one first", async () => {
      const two = { a: arn("staging"), b: arn("production"), c: arn("staging") };
      assert.equal(await contextFor(written(two, "c")), "c");
      assert.equal(await contextFor(written(two, "b")), "a");
    });

    it("never takes the current one for it", async () => {
      assert.equal(
        await refusal(written({ b: arn("production") }, "b")),
        `found no context that leads to ${arn("staging")}: aws eks update-kubeconfig --region eu-central-1 --name staging makes it; nothing was changed`,
      );
    });

    it("takes no cluster of that name in another account or region, or of a look-alike name", async () => {
      for (const other of [
        arn("staging").replace("123456789012", "210987654321"),
        arn("staging").replace("eu-central-1", "eu-west-1"),
        `${arn("staging")}2`,
      ]) {
        assert.match(await refusal(written({ b: other }, "b")), /^found no context/);
      }
    });

    for (const [region, partition] of [
      ["cn-north-1", "aws-cn"],
      ["us-gov-west-1", "aws-us-gov"],
    ] as const) {
      it(`is one of ${partition} in ${region}`, async () => {
        const cluster = `arn:${partition}:eks:${region}:123456789012:cluster/staging`;
        const access = await withKubeconfig(written({ x: cluster }, "x"), () =>
          loadClusterAccess({ cluster: { eks: "staging" }, aws: { ...aws, region } }),
        );
        assert.equal(access.context, "x");
      });
    }
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

  describe("tells the time", () => {
    const minute = 60_000;
    const connectAhead = async (milliseconds: number): Promise<KubeApi> => {
      stub = await startHttpStub(() => ({
        headers: { date: new Date(Date.now() + milliseconds).toUTCString() },
      }));
      const { origin } = stub;
      const api = await withKubeconfig(kubeconfig(origin), () => KubeApi.connect());
      assert(Math.abs(api.now().getTime() - Date.now()) < 1000, "its own before there is an answer");
      return api;
    };
    const aheadBy = (api: KubeApi): number => api.now().getTime() - Date.now();

    it("by this machine's clock while it is no more than a minute off", async () => {
      for (const off of [0, 0.9 * minute, -0.9 * minute]) {
        const api = await connectAhead(off);
        await api.ask("/");
        assert(Math.abs(aheadBy(api)) < 1000);
        assert.equal(api.clockWarning, undefined);
        await stub?.close();
      }
      stub = undefined;
    });

    for (const [off, how] of [
      [14 * minute, "840 s behind"],
      [-3 * minute, "18[01] s ahead of"],
    ] as const) {
      it(`by the API server's when this machine's is ${how}, and says so`, async () => {
        const api = await connectAhead(off);
        await api.ask("/");
        assert(Math.abs(aheadBy(api) - off) < 2000, String(aheadBy(api)));
        assert.match(
          api.clockWarning ?? "",
          new RegExp(
            `^found this machine's clock (${how}|839 s behind) that of the API server of test \\(http:.*\\), expected 60 s or less: the API server's counts; set this machine's$`,
          ),
        );
      });
    }

    it("by the API server alone: a pod behind it tells nothing", async () => {
      const api = await connectAhead(60 * minute);
      await api.ask("/api/v1/namespaces/apps/services/http:frontend-blue:http/proxy/");
      assert(Math.abs(aheadBy(api)) < 1000);
      assert.equal(api.clockWarning, undefined);
    });
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
