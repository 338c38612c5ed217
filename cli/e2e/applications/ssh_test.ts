/** OpenSSH: a shell in a terminal, scp and sftp. */
import assert from "node:assert/strict";
import { cutInTheMiddle } from "../lab/cut.ts";
import { fileSize, hashFile, writePayload } from "../lab/payload.ts";
import type { LabProcess } from "../lab/process.ts";
import { SshLab } from "../lab/ssh.ts";
import type { ApplicationHosts } from "../lab/application_hosts.ts";
import {
  applicationTest,
  askShell,
  assertCarried,
  assertDirect,
  FAMILIES,
  type Family,
  SIZE,
  startClientShim,
} from "./stage.ts";

/** sshd on the server's host, and what OpenSSH's clients are to be told to reach it. */
async function startSsh(hosts: ApplicationHosts): Promise<readonly string[]> {
  const ssh = await SshLab.create(hosts.lab);
  await ssh.startServer(hosts.server);
  // The server's key is known by the name under which a forward would reach it.
  return [...await ssh.clientOptions(22), "-o", "HostKeyAlias=[127.0.0.1]:22"];
}

/** Starts a shell on the server, into which is typed. */
function startTerminal(
  hosts: ApplicationHosts,
  options: readonly string[],
  family: Family,
): LabProcess {
  const words = ["ssh", "-tt", ...options, hosts.address("server", family), "exec sh"];
  return hosts.client.spawn(words, { stdin: "piped" });
}

/** Copies a file to the server by scp and back by sftp, while a path is lost and a terminal answers. */
async function copyThereAndBack(
  hosts: ApplicationHosts,
  options: readonly string[],
  family: Family,
): Promise<void> {
  const terminal = startTerminal(hosts, options, family);
  await askShell(terminal, 1);
  const [input, copied, fetched] = ["input", "copied", "fetched"].map((name) =>
    hosts.lab.path(`${name}${family}`)
  );
  const hash = await writePayload(input, SIZE, family);
  const there = `[${hosts.address("server", family)}]:${copied}`;
  const scp = hosts.client.spawn(["scp", ...options, input, there]);
  const copiedBytes = () => fileSize(copied);
  await cutInTheMiddle(hosts.wires, SIZE, copiedBytes, () => askShell(terminal, 2));
  await scp.succeeded();
  assert.equal(await hashFile(copied), hash);
  const sftp = hosts.client.spawn(["sftp", ...options, there, fetched]);
  await cutInTheMiddle(hosts.wires, SIZE, () => fileSize(fetched));
  await sftp.succeeded();
  assert.equal(await hashFile(fetched), hash);
  await askShell(terminal, 3);
  await terminal.write("exit 7\n");
  assert.equal((await terminal.finished()).code, 7);
}

applicationTest("ssh", "ssh, scp and sftp go on though a path is lost", async (hosts) => {
  const options = await startSsh(hosts);
  await hosts.startShims("22");
  for (const family of FAMILIES) await copyThereAndBack(hosts, options, family);
  await assertCarried(hosts, 6);
});

applicationTest("ssh", "ssh without a shim has its own TCP", async (hosts) => {
  const options = await startSsh(hosts);
  await startClientShim(hosts, 22);
  for (const family of FAMILIES) {
    const terminal = startTerminal(hosts, options, family);
    await terminal.write("echo seen $SSH_CLIENT\n");
    const [, address, port] = /seen (\S+) (\d+)/.exec(await terminal.line(/seen [0-9a-f]/))!;
    const seen = family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
    assert.equal(seen, (await hosts.ownConnection("ssh", 22)).near);
    await terminal.kill();
  }
  await assertDirect(hosts, 2);
});
