/// <reference lib="deno.unstable" />
/** The rule that the engine, the simulator, rule matching and IPv6 options touch nothing outside. */
import { mayImportPackage, mustBePure, pathInTree } from "./layers.ts";

/** Globals by which code reaches a clock, a timer, randomness, the system, or the event loop. */
const FORBIDDEN: ReadonlySet<string> = new Set([
  "Date",
  "Deno",
  "EventSource",
  "Promise",
  "Temporal",
  "WebSocket",
  "Worker",
  "clearInterval",
  "clearTimeout",
  "console",
  "crypto",
  "fetch",
  "globalThis",
  "navigator",
  "performance",
  "process",
  "queueMicrotask",
  "self",
  "setImmediate",
  "setInterval",
  "setTimeout",
]);

const HINT = "Take `now`, a RandomSource, a KeyedHash or the data itself as an argument.";

/** What a node may have beside its type, as far as names are concerned. */
interface NameHolder {
  readonly type: string;
  readonly computed?: boolean;
  readonly property?: unknown;
  readonly key?: unknown;
  readonly right?: unknown;
  readonly imported?: unknown;
  readonly label?: unknown;
}

/** True if the identifier names a property and not a variable: `clock.performance`, `{ self: 1 }`. */
function isPropertyName(node: Deno.lint.Identifier): boolean {
  const parent = node.parent as NameHolder;
  if (parent.computed) return false;
  if (parent.type === "TSQualifiedName") return parent.right === node;
  if (parent.type === "MemberExpression") return parent.property === node;
  return parent.key === node || parent.imported === node || parent.label === node;
}

function isNamed(node: { readonly type: string }, name: string): boolean {
  return node.type === "Identifier" && (node as Deno.lint.Identifier).name === name;
}

/** True for `Math.random`, `Math["random"]`, and for `Math` handed on as a whole. */
function reachesRandom(node: Deno.lint.Identifier): boolean {
  const parent = node.parent;
  if (parent.type !== "MemberExpression") return true;
  if (!parent.computed) return isNamed(parent.property, "random");
  return parent.property.type !== "Literal" || parent.property.value === "random";
}

type AsyncNode =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

/** `shimkit/pure`: no clock, timer, randomness, system, package or promise in the pure folders. */
export const pure: Deno.lint.Rule = {
  create(context) {
    const path = pathInTree(context.filename);
    if (path === undefined || !mustBePure(path)) return {};
    const report = (node: Deno.lint.Node, what: string) =>
      context.report({ node, message: `${what} in a pure folder (${path})`, hint: HINT });
    const checkFunction = (node: AsyncNode) => {
      if (node.async) report(node, "async function");
    };
    const checkSource = (source: Deno.lint.StringLiteral) => {
      if (source.value.startsWith(".") || mayImportPackage(path, source.value)) return;
      report(source, `import of "${source.value}"`);
    };
    return {
      Identifier(node) {
        if (isPropertyName(node)) return;
        if (FORBIDDEN.has(node.name)) report(node, `\`${node.name}\``);
        if (node.name === "Math" && reachesRandom(node)) report(node, "`Math.random`");
      },
      FunctionDeclaration: checkFunction,
      FunctionExpression: checkFunction,
      ArrowFunctionExpression: checkFunction,
      AwaitExpression: (node) => report(node, "await"),
      ForOfStatement(node) {
        if (node.await) report(node, "for await");
      },
      ImportDeclaration: (node) => checkSource(node.source),
      ExportAllDeclaration: (node) => checkSource(node.source),
      ExportNamedDeclaration(node) {
        if (node.source) checkSource(node.source as Deno.lint.StringLiteral);
      },
      ImportExpression: (node) => report(node, "import()"),
      MetaProperty: (node) => report(node, "import.meta"),
    };
  },
};
