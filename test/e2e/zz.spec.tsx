import { stackOnLegacy } from "./world";
describe("zz", () => { it("up", async () => { await stackOnLegacy("zz"); }); });
