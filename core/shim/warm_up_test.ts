import assert from "node:assert/strict";
import { simEnvironment } from "../sim/environment.ts";
import { BATCH_BYTES } from "../socket/pump.ts";
import { WARM_UPS, warmUp } from "./warm_up.ts";

Deno.test("every association of the warm-up lives and ends as one of an application would", () => {
  assert.equal(warmUp(simEnvironment(1), new Uint8Array(BATCH_BYTES)), WARM_UPS);
});
