/// <reference lib="deno.unstable" />
import assert from "node:assert/strict";
import plugin from "./plugin.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

function faults(path: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, `${ROOT}${path}`, source).map(({ message }) => message);
}

const IMPURE: readonly [source: string, named: RegExp][] = [
  ["export const t = Date.now();", /`Date`/],
  ["export const t = new Date();", /`Date`/],
  ["export const t = performance.now();", /`performance`/],
  ["setTimeout(f, 1);", /`setTimeout`/],
  ["setInterval(f, 1);", /`setInterval`/],
  ["queueMicrotask(f);", /`queueMicrotask`/],
  ["globalThis.setTimeout(f, 1);", /`globalThis`/],
  ["export const r = Math.random();", /`Math.random`/],
  ['export const r = Math["random"]();', /`Math.random`/],
  ["const { random } = Math;", /`Math.random`/],
  ["crypto.getRandomValues(a);", /`crypto`/],
  ["export const e = { crypto };", /`crypto`/],
  ["Deno.readTextFileSync(p);", /`Deno`/],
  ["console.log(1);", /`console`/],
  ["export async function f() {}", /async function/],
  ["export const f = async () => {};", /async function/],
  ["class A { async m() {} }", /async function/],
  ["await f();", /await/],
  ["export const p = Promise.resolve(1);", /`Promise`/],
  ['import fs from "node:fs";', /import of "node:fs"/],
  ['import { match } from "ts-pattern";', /import of "ts-pattern"/],
  ['import { match } from "npm:ts-pattern@5";', /import of "npm:ts-pattern@5"/],
  ['export * from "node:fs";', /import of "node:fs"/],
  ['export { join } from "node:path";', /import of "node:path"/],
  ['export const m = import("./a.ts");', /import\(\)/],
  ["export const u = import.meta.url;", /import\.meta/],
];

for (const [source, named] of IMPURE) {
  Deno.test(`a pure folder may not contain: ${source}`, () => {
    for (const folder of ["core/sctp", "core/sim", "core/rules", "core/ipv6opts"]) {
      const [fault] = faults(`${folder}/x/file.ts`, source);
      assert.match(fault ?? "nothing was reported", named);
    }
  });
}

Deno.test("what is only named like a clock or a timer is let through", () => {
  const source = `
    export interface Clock { readonly performance: number; self(): number }
    export const half = (clock: Clock) => Math.floor(clock.performance / 2);
    export const settings = { console: 1, Date: 2 };
  `;
  assert.deepEqual(faults("core/sctp/file.ts", source), []);
});

Deno.test("tests in pure folders, and folders that are not pure, may touch the outside", () => {
  const source = 'import fs from "node:fs"; setTimeout(fs, Date.now());';
  for (
    const path of ["core/sctp/a_test.ts", "core/sim/testing/a.ts", "core/net/a.ts", "cli/a.ts"]
  ) {
    assert.deepEqual(faults(path, source), []);
  }
});

Deno.test("rules that are kept on disk have one file that may write them", () => {
  const source = "Deno.writeTextFileSync(a, b);";
  assert.deepEqual(faults("core/rules/persist.ts", source), []);
  assert.equal(faults("core/rules/match.ts", source).length, 1);
});

Deno.test("the package that reads the file of rules has one file that may import it", () => {
  const source = 'import { parse } from "smol-toml";';
  assert.deepEqual(faults("core/rules/file_format.ts", source), []);
  assert.equal(faults("core/rules/table.ts", source).length, 1);
});

Deno.test("the package that computes HMACs in simulations has one file that may import its parts", () => {
  const source = 'import { hmac } from "@noble/hashes/hmac.js";';
  assert.deepEqual(faults("core/sim/hmac.ts", source), []);
  assert.equal(faults("core/sim/hmac.ts", 'import a from "@noble/hashes-other";').length, 1);
  assert.equal(faults("core/sctp/auth/authentication.ts", source).length, 1);
});

const UPWARD: readonly [path: string, specifier: string][] = [
  ["core/sctp/a.ts", "../net/b.ts"],
  ["core/sctp/a/b.ts", "../../sim/b.ts"],
  ["core/net/a.ts", "../socket/b.ts"],
  ["core/net/a_test.ts", "../socket/b.ts"],
  ["core/shim/a.ts", "../../cli/b.ts"],
  ["core/socket/a.ts", "../../mod.ts"],
  ["bench/a.ts", "../cli/b.ts"],
];

for (const [path, specifier] of UPWARD) {
  Deno.test(`${path} may not import ${specifier}`, () => {
    for (const source of [`import "${specifier}";`, `export * from "${specifier}";`]) {
      const [fault] = faults(path, source);
      assert.match(fault ?? "nothing was reported", /imports point down/);
    }
  });
}

Deno.test("a dynamic import may not point up either", () => {
  assert.equal(faults("core/net/a.ts", 'export const m = import("../shim/b.ts");').length, 1);
});

Deno.test("imports within a folder and down the list are let through", () => {
  assert.deepEqual(faults("cli/a.ts", 'import "./b.ts"; import "../core/shim/b.ts";'), []);
  assert.deepEqual(faults("core/sim/a.ts", 'import "../sctp/endpoint.ts";'), []);
  assert.deepEqual(faults("core/net/a.ts", 'import "../sctp/packet.ts"; import "node:os";'), []);
});

Deno.test("a test of the engine may run it on the simulator", () => {
  assert.deepEqual(faults("core/sctp/endpoint_test.ts", 'import "../sim/network.ts";'), []);
});

Deno.test("product code may not import what is only for tests", () => {
  const [fault] = faults("core/socket/a.ts", 'import "../net/testing/requirements.ts";');
  assert.match(fault ?? "nothing was reported", /test code/);
  assert.equal(faults("cli/a.ts", 'import "../.ci/run_tests.ts";').length, 1);
  assert.equal(faults("cli/a.ts", 'import "./e2e/lab/lab.ts";').length, 1);
  assert.deepEqual(faults("core/socket/a_test.ts", 'import "../net/testing/b.ts";'), []);
});
