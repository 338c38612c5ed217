/**
 * `deno task compile`: builds shimkit for machines without Deno.
 *
 * With the runtime that `deno compile` embeds (denort, which it downloads) that is one executable,
 * dist/shimkit. Where the download fails it is a folder, dist/shimkit-bundle: Deno itself, the
 * sources and the packages, and a launcher `shimkit`; it needs no network to run.
 */
const NAME = "shimkit";
const DIST = "dist";
const EXECUTABLE = `${DIST}/${NAME}`;
const BUNDLE = `${DIST}/${NAME}-bundle`;

/** What the program consists of. */
const SOURCES = ["deno.json", "deno.lock", "mod.ts", "cli", "core", "LICENSE"];

/** Modules that run in Workers, which `deno compile` does not find by itself. */
function workers(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return workers(path);
    return name.endsWith("_worker.ts") ? [path] : [];
  });
}

interface Outcome {
  readonly success: boolean;
  readonly text: string;
}

async function run(command: string, args: readonly string[], cwd?: string): Promise<Outcome> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { success, text: (decoder.decode(stdout) + decoder.decode(stderr)).trim() };
}

async function compileExecutable(): Promise<Outcome> {
  const include = workers("core").map((path) => `--include=${path}`);
  const options = ["compile", "--allow-all", "--no-check", ...include, `--output=${EXECUTABLE}`];
  return await run(Deno.execPath(), [...options, "cli/main.ts"]);
}

async function copyTree(from: string, to: string): Promise<void> {
  if ((await Deno.stat(from)).isFile) return await Deno.copyFile(from, to);
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(from)) {
    if (!name.endsWith("_test.ts")) await copyTree(`${from}/${name}`, `${to}/${name}`);
  }
}

const LAUNCHER = `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec "$here/deno" run --allow-all --no-check --cached-only --node-modules-dir=manual \\
  --config "$here/app/deno.json" "$here/app/cli/main.ts" "$@"
`;

async function buildBundle(): Promise<Outcome> {
  await Deno.remove(BUNDLE, { recursive: true }).catch(() => {});
  await Deno.mkdir(`${BUNDLE}/app`, { recursive: true });
  for (const name of SOURCES) await copyTree(name, `${BUNDLE}/app/${name}`);
  await Deno.copyFile(Deno.execPath(), `${BUNDLE}/deno`);
  await Deno.writeTextFile(`${BUNDLE}/${NAME}`, LAUNCHER, { mode: 0o755 });
  return await run(Deno.execPath(), ["install", "--node-modules-dir=auto"], `${BUNDLE}/app`);
}

/** Runs what was built: a build that does not start is none. */
async function report(path: string): Promise<number> {
  const { success, text } = await run(path, ["--version"]);
  console.log(success ? `${path}: ${text}` : `${path} was built but does not start:\n${text}`);
  return success ? 0 : 1;
}

async function main(): Promise<number> {
  const compiled = await compileExecutable();
  if (compiled.success) return await report(EXECUTABLE);
  if (!/denort|downloading|error sending request/i.test(compiled.text)) {
    console.error(compiled.text);
    return 1;
  }
  console.log("deno compile could not download denort, the runtime that it embeds:");
  console.log(`  ${compiled.text.split("\n").join("\n  ")}`);
  console.log(
    `Building ${BUNDLE} instead: a folder that runs without network. For one executable,`,
  );
  console.log("run this where the download works, or set DENORT_BIN to a denort of this version.");
  const bundle = await buildBundle();
  if (bundle.success) return await report(`${BUNDLE}/${NAME}`);
  console.error(bundle.text);
  return 1;
}

Deno.exit(await main());
