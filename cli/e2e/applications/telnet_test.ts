/** telnet: a shell in a terminal. */
import type { LabProcess } from "../lab/process.ts";
import type { ApplicationHosts } from "../lab/application_hosts.ts";
import {
  applicationTest,
  askShell,
  assertCarried,
  assertDirect,
  FAMILIES,
  type Family,
  startClientShim,
} from "./stage.ts";
import { startTelnet } from "../lab/application_servers.ts";

/** Starts telnet, into which is typed what the shell on the server is to do. */
async function startTerminal(hosts: ApplicationHosts, family: Family): Promise<LabProcess> {
  const words = ["telnet", hosts.address("server", family)];
  const terminal = hosts.client.spawn(words, { stdin: "piped" });
  await terminal.line(/Connected to/);
  return terminal;
}

/** Leaves the shell. */
async function leave(terminal: LabProcess): Promise<void> {
  await terminal.write("exit\n");
  await terminal.line(/Connection closed by foreign host/);
}

applicationTest("telnet", "a shell by telnet answers though a path is lost", async (hosts) => {
  await startTelnet(hosts);
  await hosts.startShims("23");
  for (const family of FAMILIES) {
    const terminal = await startTerminal(hosts, family);
    await askShell(terminal, 1);
    for (const [index, wire] of hosts.wires.entries()) {
      await wire.cut();
      await askShell(terminal, 2 + index);
      await wire.heal();
      await askShell(terminal, 4 + index);
    }
    await leave(terminal);
  }
  await assertCarried(hosts, 2);
});

applicationTest("telnet", "a shell by telnet without a shim has its own TCP", async (hosts) => {
  await startTelnet(hosts);
  await startClientShim(hosts, 23);
  for (const family of FAMILIES) {
    const terminal = await startTerminal(hosts, family);
    await askShell(terminal, 1);
    await hosts.ownConnection("telnet", 23);
    await leave(terminal);
  }
  await assertDirect(hosts, 2);
});
