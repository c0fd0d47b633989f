import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { gate } from "../../../components/gate";
import { record } from "../support/recording";

class Owner extends pulumi.ComponentResource {
  constructor() {
    super("test:index:Owner", "owner");
  }
}

/** Waits for the gate, as a resource would. */
class Waiter extends pulumi.ComponentResource {
  constructor(outcome: pulumi.Output<string>) {
    super("test:index:Waiter", "waiter", { outcome }, {}, true);
  }
}

describe("gate", () => {
  it("lets through what waits for it once the check has passed", async () => {
    const checked: string[] = [];
    const made = await record(() => {
      const passed = gate(
        "passed",
        pulumi.output("ready"),
        (value) => Promise.resolve(void checked.push(value)),
        new Owner(),
      );
      new Waiter(passed);
    });
    assert.deepEqual(checked, ["ready"]);
    assert.deepEqual(made.inputs("waiter"), { outcome: "passed" });
  });

  it("makes the check on every update", async () => {
    let checks = 0;
    const update = (): Promise<unknown> =>
      record(() =>
        gate("passed", pulumi.output("same"), () => Promise.resolve(void (checks += 1)), new Owner()),
      );
    await update();
    await update();
    assert.equal(checks, 2);
  });

  it("makes no check in a preview, and shows the outcome although what it waits for isn't known", async () => {
    let checks = 0;
    const made = await record(
      () => {
        const owner = new Owner();
        const unknown = new Waiter(pulumi.output("first")).urn.apply(
          () => new Promise<string>(() => undefined),
        );
        gate("passed", unknown, () => Promise.resolve(void (checks += 1)), owner).apply((outcome) => {
          assert.equal(outcome, "passed");
        });
      },
      { dryRun: true },
    );
    assert.equal(checks, 0);
    assert.deepEqual(made.failures, []);
  });

  it("fails the update with the check's own message, and holds what waits for it", async () => {
    const made = await record(() => {
      new Waiter(
        gate("passed", pulumi.output("x"), () => Promise.reject(new Error("not well")), new Owner()),
      );
    });
    // Pulumi puts the name of the property that waits before it.
    assert.deepEqual(made.failures, ['error serializing property "outcome": not well']);
    assert.deepEqual(made.names(), ["owner"]);
  });
});
