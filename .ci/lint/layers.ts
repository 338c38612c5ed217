/** The folders of the tree from the top down: a file imports from its own folder and those below. */
export const LAYERS = [
  ".ci",
  "mod.ts",
  "cli",
  "bench",
  "core/shim",
  "core/socket",
  "core/namesocket",
  "core/preserve",
  "core/netem",
  "core/net",
  "core/rules",
  "core/ipv6opts",
  "core/sim",
  "core/sctp",
] as const;

/** The name of a folder in {@link LAYERS}. */
export type Layer = typeof LAYERS[number];

/** Folders without clock, socket, timer, file or randomness of their own. */
const PURE: readonly Layer[] = ["core/rules", "core/ipv6opts", "core/sim", "core/sctp"];

/** Files in pure folders whose whole purpose is to touch the outside. */
const IMPURE_FILES: readonly string[] = ["core/rules/persist.ts"];

/** Packages that only compute, and the files in pure folders that may use them. */
const PURE_PACKAGES: Readonly<Record<string, string>> = {
  "core/rules/file_format.ts": "smol-toml",
  "core/sim/hmac.ts": "@noble/hashes",
};

const ROOT = new URL("../../", import.meta.url).pathname;

/** The path of a file from the root of the checkout, or `undefined` for a file outside. */
export function pathInTree(fileName: string): string | undefined {
  return fileName.startsWith(ROOT) ? fileName.slice(ROOT.length) : undefined;
}

/** Tests, and what only tests use. */
export function isTestCode(path: string): boolean {
  return path.endsWith("_test.ts") || /\/(testing|e2e)\//.test(path) || layerOf(path) === ".ci";
}

/** The layer that a path from the root belongs to. */
export function layerOf(path: string): Layer | undefined {
  return LAYERS.find((layer) => path === layer || path.startsWith(`${layer}/`));
}

/** Whether the rules of purity hold for a path. */
export function mustBePure(path: string): boolean {
  const layer = layerOf(path);
  return layer !== undefined && PURE.includes(layer) && !isTestCode(path) &&
    !IMPURE_FILES.includes(path);
}

/** Whether a file in a pure folder may import a package, or a part of it. */
export function mayImportPackage(path: string, specifier: string): boolean {
  const name = PURE_PACKAGES[path];
  return name !== undefined && (specifier === name || specifier.startsWith(`${name}/`));
}

/** The path from the root that a relative import in `path` leads to. */
export function importTarget(path: string, specifier: string): string {
  return new URL(specifier, `file:///${path}`).pathname.slice(1);
}
