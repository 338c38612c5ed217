/// <reference lib="deno.unstable" />
/** The rule that imports point down the list of folders. */
import { importTarget, isTestCode, layerOf, LAYERS, pathInTree } from "./layers.ts";

/** Why a file may not import another, or `undefined` if it may. */
function objection(path: string, target: string): string | undefined {
  const [from, to] = [layerOf(path), layerOf(target)];
  if (isTestCode(target) && !isTestCode(path)) {
    return `${path} is product code and may not import test code (${target})`;
  }
  if (from === undefined || to === undefined) return undefined;
  // Tests of the engine run it on the simulator.
  if (isTestCode(path) && to === "core/sim") return undefined;
  if (LAYERS.indexOf(to) >= LAYERS.indexOf(from)) return undefined;
  return `${from} may not import from ${to}: imports point down the list of folders`;
}

/** `shimkit/imports-point-down`: see {@link LAYERS}. */
export const importsPointDown: Deno.lint.Rule = {
  create(context) {
    const path = pathInTree(context.filename);
    if (path === undefined) return {};
    const check = (source: Deno.lint.Node | null) => {
      if (source?.type !== "Literal" || typeof source.value !== "string") return;
      if (!source.value.startsWith(".")) return;
      const message = objection(path, importTarget(path, source.value));
      if (message) context.report({ node: source, message });
    };
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
    };
  },
};
