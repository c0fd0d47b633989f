import assert from "node:assert/strict";
import { request } from "undici";
import { KubeApi } from "../../cluster/kubeApi";
import { backendHeader } from "../../cluster/names";
import { type Value, editStackFile } from "../../config/edit";
import { giveLegacyItsDatabase } from "../../local/legacyDatabase";
import type { LocalStack } from "../../local/localStack";
import { adminKubeconfig } from "../../local/paths";
import { kubectl } from "../../local/platform/cluster";
import { gatewayAddress } from "../../local/platform/gateway";
import type { Backend } from "../../migration";
import { eventually } from "./prometheus";
import { commitSplit, refused, split, stackOnLegacy, succeeded, tools } from "./world";

const target = "auth-service";
const inPod = ["exec", "auth-service-postgresql-0", "--container"];

describe("a target's database", () => {
  let stack: LocalStack;

  before(async () => {
    stack = await stackOnLegacy("database");
    process.env["KUBECONFIG"] = adminKubeconfig;
    await giveLegacyItsDatabase(await KubeApi.connect({}), target);
    await sql("SET ROLE auth_service_owner; DROP TABLE IF EXISTS records;");
    await sql("SET ROLE auth_service_owner; CREATE TABLE records (number int, backend text, comment text);");
  });
  after(() => sql("SET ROLE auth_service_owner; DROP TABLE IF EXISTS records;"));

  it("is there after the update, with a full backup within the minute, and nothing is left to do", async () => {
    succeeded(await stack.preview());
    await eventually(
      () => kube(...inPod, "backup", "--", "pgbackrest", "info"),
      (info) => info.includes("full backup"),
      60,
    );
  });

  it("is written by backends, and by none of them once it is read-only; no pod is touched", async () => {
    assert.deepEqual([await write("legacy", 1), await write("blue", 2)], [201, 201]);
    const pods = await podsOfTarget();
    assert.match(pods, /auth-service-blue/);

    await set("mode", "read-only");
    const { seconds } = succeeded(await stack.up());
    assert.ok(seconds < 60, `${seconds} s`);
    assert.deepEqual([await write("legacy", 3), await write("blue", 4)], [403, 403]);
    assert.equal(await read("blue", 1), 200);
    succeeded(await stack.preview());

    await stack.revert(1);
    succeeded(await stack.up());
    assert.deepEqual([await write("legacy", 5), await write("blue", 6)], [201, 201]);
    assert.equal(await podsOfTarget(), pods);
  });

  it("is not given to a color that has traffic, nor taken from it", async () => {
    await commitSplit(stack, target, split("legacy 50 / blue 50"));
    succeeded(await stack.up());
    await set("database", { password: "another secret that is long enough" });
    refused(await stack.up(), /pyairtable:auth-service\.secrets\.blue \(no-edit-under-traffic\)/);
    await stack.revert(2);
    succeeded(await stack.up());
    succeeded(await stack.preview());
  });

  async function set(key: string, value: Value): Promise<void> {
    await stack.commit(`${target}: ${key}`, (text) =>
      editStackFile(text, ["config", `pyairtable:${target}`, key], value),
    );
  }

  async function podsOfTarget(): Promise<string> {
    const each = "{.metadata.uid} {.status.containerStatuses[*].restartCount}";
    const selector = `app.kubernetes.io/name=${target},pyairtable.dev/role notin (database-client)`;
    const output = `jsonpath={range .items[*]}{.metadata.name} ${each}\n{end}`;
    return kube("get", "pods", "--selector", selector, "-o", output);
  }
});

async function kube(...args: string[]): Promise<string> {
  return kubectl(await tools(), ["--namespace", "pyairtable", ...args]);
}

/** As the admin, by the socket. */
function sql(statements: string): Promise<string> {
  const psql = ["psql", "--no-psqlrc", "--host=/run/postgresql", "--dbname=auth_service"];
  return kube(...inPod, "postgresql", "--", ...psql, "--command", statements);
}

/** Through the Gateway, to one backend. @returns the status of the answer */
async function ask(backend: Backend, method: "GET" | "POST", number: number): Promise<number> {
  const { statusCode, body } = await request(`http://${gatewayAddress}/records/${number}`, {
    method,
    headers: { host: `${target}.localhost`, [backendHeader]: backend },
  });
  await body.dump();
  return statusCode;
}

const write = (backend: Backend, number: number): Promise<number> => ask(backend, "POST", number);
const read = (backend: Backend, number: number): Promise<number> => ask(backend, "GET", number);
