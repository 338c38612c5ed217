/// <reference lib="deno.unstable" />
/** The project's own lint rules, loaded by `deno lint` through deno.json. */
import { importsPointDown } from "./imports.ts";
import { pure } from "./purity.ts";

export default {
  name: "shimkit",
  rules: { pure, "imports-point-down": importsPointDown },
} satisfies Deno.lint.Plugin;
