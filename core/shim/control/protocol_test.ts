import assert from "node:assert/strict";
import fc from "fast-check";
import { LineBuffer } from "./lines.ts";
import {
  ControlFault,
  formatAnswer,
  formatRequest,
  isChanging,
  parseAnswer,
  parseRequest,
} from "./protocol.ts";

function requestOf(fields: object) {
  return parseRequest(JSON.stringify({ version: 1, id: 5, ...fields }));
}

Deno.test("every request is read with its number", () => {
  for (const kind of ["status", "configuration", "reload", "applications"]) {
    assert.deepEqual(requestOf({ kind }), { id: 5, request: { kind } });
  }
  assert.deepEqual(requestOf({ kind: "stop" }).request, { kind: "stop", drain: 0 });
  assert.deepEqual(requestOf({ kind: "stop", drain: 10, more: 1 }).request, {
    kind: "stop",
    drain: 10,
  });
  const change = { kind: "set", name: "init_rtx_max", value: "2" };
  assert.deepEqual(requestOf({ kind: "change", change }).request, {
    kind: "change",
    change: { kind: "set", key: "initRtxMax", value: 2 },
  });
});

Deno.test("a request is answered by the code of what is wrong with it", () => {
  const wrong: [line: string, code: string][] = [
    ["", "bad-json"],
    ["{", "bad-json"],
    ["7", "bad-json"],
    ["{}", "bad-version"],
    ['{"version":2,"kind":"status"}', "bad-version"],
    ['{"version":1}', "bad-request"],
    ['{"version":1,"kind":"fly"}', "bad-request"],
    ['{"version":1,"kind":"stop","drain":-1}', "bad-request"],
    ['{"version":1,"kind":"change"}', "bad-change"],
    [
      '{"version":1,"kind":"change","change":{"kind":"set","name":"x","value":"1"}}',
      "unknown-setting",
    ],
  ];
  for (const [line, code] of wrong) {
    const { request } = parseRequest(line);
    assert.ok(request instanceof ControlFault, line);
    assert.equal(request.code, code, line);
  }
});

Deno.test("what changes something is told from what only looks", () => {
  const changing = ["change", "reload", "applications", "stop"];
  for (const kind of ["status", "configuration", ...changing]) {
    const { request } = requestOf({ kind, change: { kind: "flush" } });
    assert.ok(!(request instanceof ControlFault));
    assert.equal(isChanging(request), changing.includes(kind), kind);
  }
  for (const flush of [false, true]) {
    const { request } = requestOf({ kind: "availability", flush });
    assert.deepEqual(request, { kind: "availability", flush });
    assert.ok(!(request instanceof ControlFault) && isChanging(request) === flush);
  }
});

Deno.test("answers are a line each, and are read as they were written", () => {
  const line = formatAnswer(3, { uptime: 1 });
  assert.match(line, /^[^\n]+\n$/);
  assert.deepEqual(parseAnswer(line), { result: { uptime: 1 } });
  const fault = new ControlFault("not-allowed", "no");
  assert.deepEqual(parseAnswer(formatAnswer(null, fault)), fault);
  assert.ok(parseAnswer("nonsense") instanceof ControlFault);
  assert.deepEqual(parseRequest(formatRequest(9, "status").trim()), {
    id: 9,
    request: { kind: "status" },
  });
});

Deno.test("whatever comes in a line, nothing is thrown", () => {
  fc.assert(fc.property(fc.string(), (line) => void [parseRequest(line), parseAnswer(line)]));
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (fields) => {
    void requestOf(fields);
    void parseAnswer(JSON.stringify(fields));
  }));
});

Deno.test("lines are the same in whatever pieces they come", () => {
  const bytes = new TextEncoder().encode("one\n\nzwölf\nrest");
  for (let piece = 1; piece <= bytes.length; piece++) {
    const buffer = new LineBuffer(100);
    const lines: string[] = [];
    for (let at = 0; at < bytes.length; at += piece) {
      lines.push(...buffer.push(bytes.subarray(at, at + piece)) ?? ["too long"]);
    }
    assert.deepEqual(lines, ["one", "", "zwölf"]);
  }
});

Deno.test("a line that is too long is not collected for ever", () => {
  const buffer = new LineBuffer(10);
  assert.deepEqual(buffer.push(new Uint8Array(10).fill(65)), []);
  assert.equal(buffer.push(new Uint8Array(1).fill(65)), undefined);
});
