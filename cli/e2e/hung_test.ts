/** A daemon that hangs, as a whole or its data plane alone: it gets out of the way, and comes back. */
import { needs } from "../../core/net/testing/requirements.ts";
import { ApplicationHosts } from "./lab/application_hosts.ts";
import { startEcho, Talker } from "./lab/conversation.ts";
import { PORT } from "./lab/intercepted.ts";
import { type LabProcess, until } from "./lab/process.ts";
import { StoppedThread } from "./lab/stopped_thread.ts";

const REQUIREMENTS = ["linux", "root", "netns", "nft", "iptables", "ffi", "ipv6"] as const;

/** Stands still until it is disposed of. */
type Hang = (shim: LabProcess) => Disposable;

const stopProcess: Hang = (shim) => {
  shim.signal("SIGSTOP");
  return { [Symbol.dispose]: () => shim.signal("SIGCONT") };
};
const stopDataPlane: Hang = ({ pid }) => StoppedThread.named(pid, /^worker/);

const HANGS = [
  { what: "a process", hang: stopProcess, needed: [] },
  { what: "a data plane", hang: stopDataPlane, needed: ["ptrace"] },
] as const;

/** No shim gives up the other one while that hangs. */
const PATIENT = ["--param", "associationMaxRetrans=1000"];
const FRONTS = ["nfqueue", "redirect"] as const;

for (const { what, hang, needed } of HANGS) {
  for (const front of FRONTS) {
    const name = `hung: ${what} with the front ${front} leaves connections to TCP until it is back`;
    Deno.test(needs([...REQUIREMENTS, ...needed], name, async () => {
      await using hosts = await ApplicationHosts.open();
      const server = await startEcho(hosts.server, PORT);
      await hosts.rule("client", `-c remote -p enable -s ${PORT}`);
      await hosts.rule("server", `-c local -p enable -s ${PORT}`);
      await hosts.shim("server").start("--serve-listeners", ...PATIENT);
      const shim = await hosts.shim("client").start("--intercept", ...PATIENT, "--front", front);
      const standing = await Talker.start(hosts.client, hosts.address("server"), PORT);
      await standing.talk();
      {
        using _hanging = hang(shim);
        if (front === "redirect") await redirectionGone(hosts);
        for (const family of [4, 6] as const) {
          const talker = await Talker.start(hosts.client, hosts.address("server", family), PORT);
          await server.line(new RegExp(`^client ${talker.local}$`));
          await talker.talk();
        }
      }
      await until("connections are carried again", async () => {
        const talker = await Talker.start(hosts.client, hosts.address("server"), PORT);
        await talker.talk();
        return (await hosts.status("client")).counters.carried > 1;
      });
      await standing.talk();
    }));
  }
}

/** What is redirected before that waits for the daemon: only a held SYN can be let go. */
async function redirectionGone({ client }: ApplicationHosts): Promise<void> {
  const rules = () => client.run("nft", "list", "ruleset");
  await until("no port is redirected", async () => !/dport .* redirect to/.test(await rules()));
}
