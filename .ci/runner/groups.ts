/** Which tests run together: most side by side, those that share the machine one after the other. */
import type { TestGroup } from "./group_run.ts";

const MINUTE = 60_000;

/** Tests with namespaces, packet filters and real peers. */
const END_TO_END = "cli/e2e";

/** The README's examples use the ports that a reader would. */
const README = ".ci/readme_test.ts";

/** Folders that hold no tests of ours. */
const OTHERS = new Set(["node_modules", "out", "dist", ".git"]);

function* netnsTests(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = folder === "." ? name : `${folder}/${name}`;
    if (isDirectory && !OTHERS.has(name)) yield* netnsTests(path);
    else if (name.endsWith("_netns_test.ts") && !path.startsWith(END_TO_END)) yield path;
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** The groups to run: all of them, or one with the paths and options that the caller named. */
export function testGroups(args: readonly string[]): readonly TestGroup[] {
  if (args.length > 0) {
    return [{ title: "Chosen tests", args, verbose: true, timeLimit: 20 * MINUTE }];
  }
  const serial = [README, ...netnsTests("."), END_TO_END].filter(exists);
  return [
    {
      title: "Unit tests, simulator, documentation examples",
      args: ["--doc", "--parallel", `--ignore=${serial.join(",")}`],
      verbose: false,
      timeLimit: 12 * MINUTE,
    },
    {
      title: "Real peers, namespaces, the README's examples",
      args: ["--permit-no-files", ...serial],
      verbose: true,
      timeLimit: 25 * MINUTE,
    },
  ];
}
