import assert from "node:assert/strict";
import fc from "fast-check";
import { isFault } from "./fault.ts";
import { hex } from "./fixtures.ts";
import {
  parameterName,
  parameterStopsProcessing,
  ParameterType,
  parameterWantsReport,
  walkParameters,
} from "./parameter.ts";
import { joinTlvs, newTlv } from "./tlv.ts";

Deno.test("parameters are copied whole and unpadded", () => {
  const bytes = hex("ff c0060008 00000042 80080005 c0 000000 c0000004 ff");
  assert.deepEqual(walkParameters(bytes, 1, bytes.length - 1), [
    { type: 0xc006, bytes: hex("c0060008 00000042") },
    { type: 0x8008, bytes: hex("80080005 c0") },
    { type: 0xc000, bytes: hex("c0000004") },
  ]);
});

Deno.test("any list of parameters comes back as it was written", () => {
  const parameter = fc.record({ type: fc.nat(0xffff), value: fc.uint8Array({ maxLength: 40 }) });
  fc.assert(fc.property(fc.array(parameter), (parameters) => {
    const items = parameters.map(({ type, value }) => newTlv(type, value));
    const joined = joinTlvs(items);
    const expected = parameters.map(({ type }, i) => ({ type, bytes: items[i] }));
    assert.deepEqual(walkParameters(joined, 0, joined.length), expected);
  }));
});

Deno.test("a parameter of length 0 to 3 is a fault and not an endless loop", () => {
  for (let length = 0; length < 4; length++) {
    assert.deepEqual(walkParameters(hex(`c0000004 8008000${length} 00000000`), 0, 12, 1), {
      fault: "bad-length",
      chunkType: 1,
      offset: 4,
      detail: `Supported Extensions of length ${length}`,
    });
  }
});

Deno.test("a parameter that reaches past the end is a fault", () => {
  assert.ok(isFault(walkParameters(hex("c0060008 0000"), 0, 6)));
});

Deno.test("up to three bytes behind the last parameter are padding", () => {
  for (const rest of ["", "00", "0000", "000000"]) {
    const bytes = hex(`c0000004 ${rest}`);
    assert.deepEqual(walkParameters(bytes, 0, bytes.length), [
      { type: 0xc000, bytes: hex("c0000004") },
    ]);
  }
});

Deno.test("any bytes give parameters that lie inside, or a fault", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
    const result = walkParameters(bytes, 0, bytes.length);
    if (isFault(result)) assert.ok(result.offset < bytes.length);
    else assert.ok(result.reduce((sum, { bytes }) => sum + bytes.length, 0) <= bytes.length);
  }));
});

Deno.test("the highest bits of an unknown parameter say what to do with it", () => {
  const actions = [0x3fff, 0x7fff, 0xbfff, 0xffff].map(
    (type) => [parameterStopsProcessing(type), parameterWantsReport(type)],
  );
  assert.deepEqual(actions, [[true, false], [true, true], [false, false], [false, true]]);
});

Deno.test("a parameter has the name of its RFC, an unknown one its number", () => {
  assert.equal(parameterName(ParameterType.StateCookie), "State Cookie");
  assert.equal(parameterName(0x0bad), "parameter 0x0bad");
  for (const type of Object.values(ParameterType)) assert.doesNotMatch(parameterName(type), /0x/);
});
