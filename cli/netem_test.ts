/** `shimkit netem` as its users meet it. */
import assert from "node:assert/strict";
import { hasNamespace, MadeNamespaces } from "../core/netem/namespaces.ts";
import { runTool, tryTool } from "../core/net/system_tool.ts";
import { needs } from "../core/net/testing/requirements.ts";
import { LabProcess, until } from "./e2e/lab/process.ts";
import { shimkitCommand } from "./e2e/lab/shimkit.ts";
import { ExitCode } from "./exit_codes.ts";
import { runProgram } from "./program.ts";
import { collectingIo } from "./testing/collecting_io.ts";

const NEEDS = ["linux", "root", "netns", "tun", "ffi"] as const;
const PAIR = ["a", "b"].map((end) => `netem-cli-${Deno.pid}${end}`) as [string, string];
const ENDS = PAIR.join(",");

async function refusal(
  ...args: readonly string[]
): Promise<readonly [code: number, words: string]> {
  const { io, err } = collectingIo();
  const code = await runProgram(["netem", ...args], io);
  return [code, err.join("\n")];
}

Deno.test("a link that cannot be is refused with the value and with what would do", async () => {
  const [code, words] = await refusal("--link", "delay=35ms,loss=-1");
  assert.equal(code, ExitCode.usage);
  assert.match(words, /loss takes 1%.*not "-1"/s);
  assert.match((await refusal("--link", "rate=fast"))[1], /rate takes 1\.5mbit.*not "fast"/s);
  assert.match((await refusal("--link", "speed=1"))[1], /"speed" is nothing that a link has/s);
});

Deno.test("what does not go together, or is missing, is told before anything is done", async () => {
  assert.equal((await refusal())[0], ExitCode.usage);
  const pair = ["--addresses", "10.0.0.1/24,10.0.0.2/24"];
  const [code, words] = await refusal("--link", "", ...pair, ...pair);
  assert.equal(code, ExitCode.usage);
  assert.match(words, /2 pairs of addresses for 1 links/);
  assert.match(
    (await refusal("--link", "", "--addresses", "10.0.0.1,x"))[1],
    /not "10\.0\.0\.1,x"/,
  );
  assert.match((await refusal("--link", "", "--ends", "one"))[1], /two names.*not "one"/s);
});

Deno.test("a namespace that is not there is named, with how to make it", async () => {
  const [code, words] = await refusal("--link", "", "--ends", "netem-nowhere,netem-nobody");
  assert.equal(code, ExitCode.failed);
  assert.match(words, /no network namespace netem-nowhere/);
  assert.match(words, /ip netns add netem-nowhere/);
});

/** Round-trip times of a few pings from the first end. */
function ping(address: string): number[] {
  const words = ["netns", "exec", PAIR[0], "ping", "-c", "3", "-i", "0.2", "-W", "1", address];
  return [...runTool("ip", words).matchAll(/time=([\d.]+) ms/g)].map(([, time]) => Number(time));
}

Deno.test(
  needs(
    [...NEEDS, "ping"],
    "two links carry IPv4 and IPv6, count, and leave nothing behind",
    async () => {
      const ending = new AbortController();
      const { io, out, err } = collectingIo(ending.signal);
      const links = ["--link", "delay=20ms", "--link", "delay=1ms,b.loss=100%"];
      const running = runProgram(["netem", "--create", "--ends", ENDS, ...links, "--json"], io);
      await until("the wires are there", () => Promise.resolve(err.length === 2));
      assert.match(err[0], /^wire0: \S+ 10\.99\.0\.1\/24 fd00:99:0::1\/64, \S+ 10\.99\.0\.2\/24/);
      for (const address of ["10.99.0.2", "fd00:99:0::2"]) {
        const times = ping(address);
        assert.equal(times.length, 3);
        assert.ok(Math.min(...times) >= 40, `${times} ms`);
      }
      assert.throws(() => ping("10.99.1.2"), /ping/, "nothing comes back");
      ending.abort();
      assert.equal(await running, ExitCode.ok);
      const { wires } = JSON.parse(out[0]);
      assert.deepEqual(wires.map(({ name }: { name: string }) => name), ["wire0", "wire1"]);
      assert.ok(wires[0].forward.delivered >= 6 && wires[0].forward.lost.loss === 0);
      assert.ok(wires[1].forward.delivered >= 3 && wires[1].backward.lost.loss >= 3);
      for (const end of PAIR) assert.equal(hasNamespace(end), false);
    },
  ),
);

Deno.test(
  needs(
    NEEDS,
    "devices that are taken are told of; those of a process that is killed are gone",
    async () => {
      using made = new MadeNamespaces();
      for (const end of PAIR) made.make(end);
      const args = ["netem", "--ends", ENDS, "--link", "delay=1ms"];
      const first = new LabProcess(shimkitCommand(args));
      await first.line(/^wire0/);
      const [code, words] = await refusal(...args.slice(1));
      assert.equal(code, ExitCode.failed);
      assert.match(words, /make the device wire0.*EBUSY/s);
      await first.kill();
      const isThere = () => tryTool("ip", ["-n", PAIR[0], "link", "show", "wire0"]).success;
      await until("the device is gone", () => Promise.resolve(!isThere()));
    },
  ),
);

Deno.test(needs(NEEDS, "it ends by itself after its duration, and prints a table", async () => {
  const { io, out } = collectingIo();
  const args = ["--create", "--ends", ENDS, "--link", "delay=1ms", "--duration", "300ms"];
  assert.equal(await runProgram(["netem", ...args], io), ExitCode.ok);
  assert.match(out[0], /^wire +from +packets +delivered +lost +queue/);
  assert.equal(out.length, 3);
}));
