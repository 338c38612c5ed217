import assert from "node:assert/strict";
import { object } from "@optique/core/constructs";
import { multiple, optional } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { formatUsage } from "@optique/core/usage";
import { integer, string } from "@optique/core/valueparser";
import type { Usage } from "@optique/core/usage";
import { shortUsage } from "./usage.ts";

const TARGET = argument(string({ metavar: "TARGET" }));

function usageOf(parser: { readonly usage: Usage }): string {
  return formatUsage("x", shortUsage(parser.usage));
}

Deno.test("a few options are named in the usage", () => {
  const parser = object({ a: option("--a"), b: option("--b"), target: TARGET });
  assert.equal(usageOf(parser), "x [--a] [--b] TARGET");
});

Deno.test("many options become one word, what must be given stays", () => {
  const parser = object({
    a: option("--a"),
    b: optional(option("--b", integer())),
    c: multiple(option("--c", string())),
    d: option("--d"),
    must: option("--must", string({ metavar: "THIS" })),
    target: TARGET,
  });
  assert.equal(usageOf(parser), "x [OPTION...] --must THIS TARGET");
});
