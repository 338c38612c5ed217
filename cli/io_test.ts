import assert from "node:assert/strict";
import { needs } from "../core/net/testing/requirements.ts";

const MAIN = new URL("main.ts", import.meta.url).pathname;

/** Runs a line of shell in which `shimkit` is the program. */
async function shell(line: string) {
  const script = `shimkit() { "${Deno.execPath()}" run --quiet -A "${MAIN}" "$@"; }; ${line}`;
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-o", "pipefail", "-c", script],
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

Deno.test(needs(["linux"], "output that nobody reads to its end is no failure", async () => {
  assert.deepEqual(await shell("shimkit sctp states | true"), { code: 0, out: "", err: "" });
}));

Deno.test(
  needs(["linux"], "results go to standard output and complaints to standard error", async () => {
    const version = await shell("shimkit version");
    assert.match(version.out, /^shimkit /);
    assert.equal(version.err, "");
    const unknown = await shell("shimkit verison");
    assert.equal(unknown.code, 2);
    assert.equal(unknown.out, "");
    assert.match(unknown.err, /Did you mean/);
  }),
);
