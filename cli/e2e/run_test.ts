/** One application by `shimkit run`, on a host whose rules enable nothing. */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import type { ShimStatus } from "../../core/shim/status.ts";
import { Intercepted, PORT, type Probe } from "./lab/intercepted.ts";
import { shimkitCommand } from "./lab/shimkit.ts";

const NEEDS = ["linux", "root", "netns", "nft", "iptables", "cgroup2", "ffi", "ipv6"] as const;

Deno.test(
  needs(
    NEEDS,
    "only the command that is run tries SCTP, and its exit code is passed on",
    async () => {
      await using stage = await Intercepted.open([]);
      await stage.startServer();
      await stage.startServerShim();
      const shim = await stage.startClientShim();
      const counters = async () => {
        const status: ShimStatus = JSON.parse(await stage.shimkit("status", "--json"));
        return [status.counters.carried, status.counters.held];
      };
      for (const [run, family] of ([4, 6] as const).entries()) {
        assert.equal((await stage.probe(family)).error, "");
        assert.deepEqual(await counters(), [run, run], "what is not run is left alone");
        const words = ["run", "--control", stage.control, "--", ...stage.probeWords(family)];
        const output = await stage.client.run(...shimkitCommand(words));
        const probe: Probe = JSON.parse(
          output.split("\n").findLast((line) => line.startsWith("{"))!,
        );
        assert.equal(probe.remote, `${stage.address(family)} ${PORT}`);
        assert.deepEqual(await counters(), [run + 1, run + 1]);
      }
      const failing = ["run", "--control", stage.control, "--", "sh", "-c", "exit 7"];
      const { code } = await stage.client.spawn(shimkitCommand(failing)).finished();
      assert.equal(code, 7);
      shim.signal("SIGTERM");
      await shim.finished();
      const root = /^\S+ (\S+) cgroup2 /m.exec(Deno.readTextFileSync("/proc/mounts"))![1];
      const left = [...Deno.readDirSync(root)].map(({ name }) => name);
      assert.ok(!left.includes(`shimkit-${shim.pid}`), left.join());
    },
  ),
);
