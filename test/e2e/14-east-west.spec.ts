import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { ask } from "../../cluster/kubeApi";
import { backendHeader, hostnameOf, internalHostnameOf, routeHeader } from "../../cluster/names";
import { gatewayAddress } from "../../local/platform/gateway";
import { binomialInterval } from "../../local/load/statistics";
import type { LocalStack } from "../../local/localStack";
import { type Split, splitHash } from "../../migration";
import { type Ask, withClients } from "./clients";
import { commitSplit, split, stackOnLegacy, succeeded } from "./world";

const clients = { connections: 8, ratePerSecond: 250 };
const enough = 2000;

/** What api-gateway tells of the call that it made to answer. */
const callSchema = z.object({
  url: z.string(),
  status: z.int(),
  backend: z.string(),
  route: z.string(),
});
type Call = z.infer<typeof callSchema>;

describe("api-gateway's calls of auth-service", () => {
  let stack: LocalStack;
  const calls: Call[] = [];
  const failed: string[] = [];

  const call = async (askGateway: Ask): Promise<void> => {
    // The candidate of api-gateway, whatever its weight: only the split of auth-service is measured.
    const headers = { host: hostnameOf("api-gateway", "localhost"), [backendHeader]: "blue" };
    const answer = await askGateway("/call/auth-service", headers);
    const told = answer.status === 200 ? callSchema.parse(JSON.parse(answer.body)) : undefined;
    if (told?.status === 200) calls.push(told);
    else failed.push(`status ${answer.status}: ${answer.body}`);
  };
  const callsUnder = (wanted: Split): Call[] =>
    calls.filter(({ route }) => route === splitHash("auth-service", wanted));
  const measured = async (wanted: Split): Promise<void> => {
    await commitSplit(stack, "auth-service", wanted);
    succeeded(await stack.up());
    while (callsUnder(wanted).length < enough) await sleep(100);
  };

  before(async function () {
    this.timeout(300_000);
    stack = await stackOnLegacy("east-west");
    await withClients({ ...clients, turn: call }, async () => {
      await measured(split("legacy 90 / blue 10"));
      await measured(split("legacy 50 / blue 50"));
      await measured(split("blue 100"));
      await stack.revert(3);
      succeeded(await stack.up());
      await sleep(1000);
    });
    process.stdout.write(`    ${calls.length + failed.length} calls, ${failed.length} failed\n`);
  });

  it("lose nothing, through a cutover of auth-service and its rollback", () => {
    assert.deepEqual(failed.slice(0, 5), []);
  });

  it("go through the gateway, by auth-service's internal name", () => {
    const urls = new Set(calls.map(({ url }) => url));
    assert.deepEqual(urls, new Set(["http://auth-service.pyairtable.internal:9110"]));
  });

  for (const [wanted, share] of [
    ["legacy 90 / blue 10", 0.1],
    ["legacy 50 / blue 50", 0.5],
    ["blue 100", 1],
  ] as const) {
    it(`are split ${wanted} within the 99.9 % interval`, () => {
      const all = callsUnder(split(wanted));
      const onBlue = all.filter(({ backend }) => backend === "blue").length;
      const { low, high } = binomialInterval(all.length, share, 0.999);
      process.stdout.write(`    ${onBlue} of ${all.length} on blue, expected ${low} to ${high}\n`);
      assert.ok(low <= onBlue && onBlue <= high, `${onBlue} of ${all.length}, expected ${low} to ${high}`);
    });
  }

  it("are back on legacy after the rollback", () => {
    const last = calls.slice(-50).map(({ backend }) => backend);
    assert.deepEqual(new Set(last), new Set(["legacy"]));
  });

  it("give who sends the internal name from outside nothing else than the public name does", async () => {
    const answers = await Promise.all(
      [hostnameOf("auth-service", "localhost"), internalHostnameOf("auth-service", "pyairtable")].map(
        (host) => ask(new URL(`http://${gatewayAddress}/healthz`), { headers: { host } }),
      ),
    );
    const told = answers.map(({ status, headers }) => [status, headers[backendHeader], headers[routeHeader]]);
    assert.deepEqual(told[1], told[0]);
    assert.equal(told[0]?.[0], 200);
  });
});
