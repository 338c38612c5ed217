import assert from "node:assert/strict";
import {
  checkParameter,
  DEFAULT_PARAMETERS,
  type ParameterName,
  PARAMETERS,
  withParameters,
} from "./parameters.ts";

const NAMES = Object.keys(PARAMETERS) as ParameterName[];

Deno.test("the defaults are those of RFC 9260, section 16", () => {
  const { rtoInitial, rtoMin, rtoMax, rtoAlpha, rtoBeta, maxBurst } = DEFAULT_PARAMETERS;
  assert.deepEqual([rtoInitial, rtoMin, rtoMax], [1000, 1000, 60_000]);
  assert.deepEqual([rtoAlpha, rtoBeta, maxBurst], [1 / 8, 1 / 4, 4]);
  const { validCookieLife, associationMaxRetrans, pathMaxRetrans } = DEFAULT_PARAMETERS;
  assert.deepEqual([validCookieLife, associationMaxRetrans, pathMaxRetrans], [60_000, 10, 5]);
  const { maxInitRetransmits, hbInterval, hbMaxBurst, sackDelay } = DEFAULT_PARAMETERS;
  assert.deepEqual([maxInitRetransmits, hbInterval, hbMaxBurst, sackDelay], [8, 30_000, 1, 200]);
});

Deno.test("every parameter takes its default and both ends of its range, and nothing outside", () => {
  for (const name of NAMES) {
    const { default: value, minimum, maximum } = PARAMETERS[name];
    for (const good of [value, minimum, maximum]) {
      assert.equal(checkParameter(name, good), undefined, name);
    }
    for (const bad of [minimum - 1, maximum + 1, NaN, Infinity]) {
      assert.match(checkParameter(name, bad) ?? "", new RegExp(name), name);
    }
    const isWhole = PARAMETERS[name].unit !== "ratio";
    assert.equal(
      checkParameter(name, minimum + (maximum - minimum) / 3 + 0.01) !== undefined,
      isWhole,
    );
  }
});

Deno.test("SACK.Delay cannot be more than 500 ms (section 6.2)", () => {
  assert.equal(PARAMETERS.sackDelay.maximum, 500);
});

Deno.test("changes leave the others as they were, and contradictions are refused", () => {
  const changed = withParameters({ rtoMin: 100 });
  assert.deepEqual(changed, { ...DEFAULT_PARAMETERS, rtoMin: 100 });
  assert.throws(() => withParameters({ rtoMin: 5000, rtoMax: 4000 }), /above rtoMax/);
  assert.throws(() => withParameters({ ecn: 2 }), /from 0 to 1/);
});
