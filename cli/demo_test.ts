/** `shimkit demo` as a newcomer meets it. */
import assert from "node:assert/strict";
import { needs } from "../core/net/testing/requirements.ts";
import { Progress } from "./demo/progress.ts";
import { momentLine, picture } from "./demo/view.ts";
import { delay, LabProcess, until } from "./e2e/lab/process.ts";

const MAIN = new URL("./main.ts", import.meta.url).pathname;
const SMALL = ["--size", "12MB", "--rate", "6MB"];

function demo(...args: readonly string[]): LabProcess {
  return new LabProcess([Deno.execPath(), "run", "--quiet", "-A", MAIN, "demo", ...args]);
}

/** Runs a demonstration and checks what it says. */
async function succeeds(place: RegExp, ...args: readonly string[]): Promise<void> {
  const { lines } = await demo(...SMALL, ...args).succeeded();
  const text = lines.join("\n");
  assert.match(text, place);
  assert.match(text, /path [12] is cut now/);
  assert.match(text, /Longest gap between two arrivals at the client: \d+ ms/);
  for (const [, bytes] of text.matchAll(/^Path \d .*: (\d+) bytes sent/gm)) {
    assert.ok(Number(bytes) > 3_000_000, text);
  }
  const [sent] = /(?<=^SHA-256 sent +)[0-9a-f]{64}$/m.exec(text) ?? [];
  const [received] = /(?<=^SHA-256 received +)[0-9a-f]{64}$/m.exec(text) ?? [];
  assert.ok(sent);
  assert.equal(received, sent);
  assert.equal(lines.at(-1), "Every byte arrived.");
}

Deno.test(
  needs(["linux", "ffi"], "the demo cuts a path on the loopback and loses no byte", async () => {
    await succeeds(/^Place +this host's loopback/m, "--loopback");
  }),
);

Deno.test(
  needs(
    ["root", "netns", "nft"],
    "the demo cuts a path between namespaces and loses no byte",
    async () => {
      await succeeds(/^Place +two network namespaces/m);
    },
  ),
);

/** Processes whose parent is `pid`. */
function childrenOf(pid: number): string[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => name).filter((name) => {
    const stat = /^\d+$/.test(name) ? readIfThere(`/proc/${name}/stat`) : "";
    return new RegExp(`\\) \\S ${pid} `).test(stat);
  });
}

function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

Deno.test(
  needs(
    ["linux", "ffi"],
    "the demo ends all its processes when it is interrupted or killed",
    async () => {
      for (const signal of ["SIGINT", "SIGKILL"] as const) {
        const process = demo(...SMALL, "--loopback");
        await process.line(/\d s, /);
        const children = childrenOf(process.pid);
        assert.ok(children.length >= 3);
        process.signal(signal);
        await process.finished();
        await until("the children end", () => {
          return children.every((pid) => !/^(?!.*\) Z ).+/.test(readIfThere(`/proc/${pid}/stat`)));
        });
      }
    },
  ),
);

Deno.test("progress counts from the first arrival and keeps the longest gap", async () => {
  const progress = new Progress(30);
  progress.arrived(10, 1000);
  assert.deepEqual([progress.bytes, progress.longestGap, progress.elapsed], [10, 0, 0]);
  progress.arrived(10, 1010);
  progress.arrived(5, 1100);
  progress.arrived(5, 1120);
  assert.deepEqual([progress.bytes, progress.longestGap, progress.elapsed], [30, 90, 120]);
  assert.equal(await Promise.race([progress.reached, delay(1000).then(() => "late")]), undefined);
});

Deno.test("the view shows progress before there is an association", () => {
  const progress = new Progress(50);
  progress.arrived(50, 0);
  progress.arrived(1, 500);
  const moment = { progress, size: 100, connection: undefined, cut: undefined };
  assert.equal(momentLine(moment), "  0.5 s, 51 B of 100 B, 102 B/s, longest gap 500 ms");
  assert.deepEqual(picture(moment), [
    `  [${"#".repeat(20)}${"-".repeat(20)}] 0.5 s, 51 B of 100 B, 102 B/s, longest gap 500 ms`,
    "  association not set up yet",
  ]);
});
