import assert from "node:assert/strict";
import { happen } from "../incidents/happen";
import type { Chances, Kind } from "../incidents/incident";
import { ofCandidates } from "../incidents/ofCandidates";
import type { Outcome } from "../incidents/outcome";
import { Scene } from "../incidents/scene";
import { succeeded } from "./world";

/** An incident of each trigger; all of them, and often, is for `npm run soak -- incidents`. */
describe("incidents, from the first failed answer to the commit", function () {
  this.timeout(300_000);
  let scene: Scene;
  const outcomes: Outcome[] = [];

  before(async () => {
    scene = await Scene.create("incidents");
  });

  afterEach(async function () {
    if (this.currentTest?.state === "failed") await scene.restore();
  });

  after(() => scene.close());

  function happens(
    name: string,
    of: (scene: Scene) => readonly Kind[],
    { percent }: Pick<Chances, "percent">,
  ): void {
    it(`${name}, at ${percent} %`, async () => {
      const kind = of(scene).find((each) => each.name.startsWith(name));
      assert.ok(kind, name);
      const outcome = await happen(scene, kind.incident({ percent, over: 1.1, under: 0.9, moment: 0.5 }));
      outcomes.push(outcome);
      assert.deepEqual(outcome.problems, []);
      assert.notEqual(outcome.held, false, "moved by what must move nothing");
      assert.notEqual(outcome.backAfter, undefined, "missed");
      assert.deepEqual([outcome.wrong, outcome.lostAfter], [0, 0], "rolled back wrongly, lost afterwards");
      succeeded(await scene.stack.preview());
    });
  }

  happens("more than 10 % errors", ofCandidates, { percent: 50 });
  happens("latency", ofCandidates, { percent: 50 });
  happens("a candidate that crashes", ofCandidates, { percent: 100 });
  // Last: what users reported stays true for as long as it is counted.
  happens("more than 3 reports of users", ofCandidates, { percent: 50 });

  after(() => {
    const sum = (figure: (outcome: Outcome) => number): number =>
      outcomes.reduce((total, outcome) => total + figure(outcome), 0);
    const back = outcomes.flatMap(({ backAfter }) => backAfter ?? []).toSorted((one, other) => one - other);
    console.log(
      `      ${outcomes.length} incidents, ${outcomes.length - back.length} missed, ${sum(({ wrong }) => wrong)} false; ${sum(({ requests }) => requests)} requests, lost until traffic was back ${sum(({ lostUntilBack }) => lostUntilBack)}, afterwards ${sum(({ lostAfter }) => lostAfter)}; traffic back after ${back.map((each) => each.toFixed(1)).join(" ")} s`,
    );
  });
});
