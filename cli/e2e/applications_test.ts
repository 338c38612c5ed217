/**
 * Real applications, unmodified, between two hosts joined by two wires: carried over SCTP by the
 * hosts' shims, and over TCP of their own where the server's host has no shim.
 */
import assert from "node:assert/strict";
import { needs, type RequirementName } from "../../core/net/testing/requirements.ts";
import { ApplicationHosts } from "./lab/application_hosts.ts";
import { startApache, startFtp, startRedis, startTelnet } from "./lab/application_servers.ts";
import { cutInTheMiddle, DISTURBED_RATE } from "./lab/cut.ts";
import { fileSize, hashFile, writePayload } from "./lab/payload.ts";
import { type LabProcess, until } from "./lab/process.ts";
import { SshLab } from "./lab/ssh.ts";

const REQUIREMENTS = ["linux", "root", "netns", "nft", "iptables", "ffi", "ipv6"] as const;
const SIZE = 20_000_000;

function applicationTest(
  application: RequirementName,
  name: string,
  body: (hosts: ApplicationHosts) => Promise<void>,
): void {
  const run = async () => {
    await using hosts = await ApplicationHosts.open();
    for (const wire of hosts.wires) await wire.limit(DISTURBED_RATE);
    await body(hosts);
  };
  Deno.test(needs([...REQUIREMENTS, application], `applications: ${name}`, run));
}

/** That the client's shim has had `count` connections, all carried over SCTP, and the server's the same. */
async function assertCarried(hosts: ApplicationHosts, count: number): Promise<void> {
  const { counters, connections, ended } = await hosts.status("client");
  const all = [...connections, ...ended];
  assert.deepEqual([counters.carried, counters.direct, counters.fellBack], [count, 0, 0]);
  for (const { state, carrier } of all) assert.deepEqual([state, carrier], ["ACTIVE", "sctp"]);
  assert.equal((await hosts.status("server")).counters.associated, count);
}

/** That the client's shim has tried SCTP for `count` connections, and left each to the kernel's TCP. */
async function assertDirect(hosts: ApplicationHosts, count: number): Promise<void> {
  const { counters } = await hosts.status("client");
  const { carried, direct, accepted } = counters;
  assert.deepEqual({ carried, direct, accepted }, { carried: 0, direct: count, accepted: 0 });
}

/** `curl` without the settings and proxies of the machine. */
function curl(...words: readonly string[]): readonly string[] {
  return ["curl", "-q", "--noproxy", "*", "--silent", "--show-error", "--fail", ...words];
}

/** A URL on the server. */
function url(hosts: ApplicationHosts, scheme: string, path: string, family: 4 | 6 = 4): string {
  const address = hosts.address("server", family);
  return `${scheme}://${family === 6 ? `[${address}]` : address}/${path}`;
}

/** Apache with a page and a large file, whose hash it gives. */
async function startSite(hosts: ApplicationHosts): Promise<{ log: string; hash: string }> {
  const root = hosts.lab.path("site");
  await Deno.mkdir(root);
  await Deno.writeTextFile(`${root}/page.html`, "<p>A page</p>\n");
  const hash = await writePayload(`${root}/large`, SIZE, 1);
  return { log: await startApache(hosts, root), hash };
}

/** Fetches the page; gives the client's end of the connection as the client saw it. */
async function fetchPage(hosts: ApplicationHosts, family: 4 | 6): Promise<string> {
  const ends = "%{local_ip} %{local_port}";
  const words = curl("--write-out", ends, url(hosts, "http", "page.html", family));
  const [page, local] = (await hosts.client.run(...words)).split("\n");
  assert.equal(page, "<p>A page</p>");
  return local;
}

/** Waits until Apache has seen such a request. */
async function logged(log: string, line: string): Promise<void> {
  const seen = async () => (await Deno.readTextFile(log)).split("\n").includes(line);
  await until(`Apache logs ${line}`, seen, 5000);
}

applicationTest("apache", "Apache gives curl a page and, a path lost, a file", async (hosts) => {
  const { log, hash } = await startSite(hosts);
  await hosts.startShims("80");
  for (const family of [4, 6] as const) {
    await logged(log, `${await fetchPage(hosts, family)} /page.html 200`);
  }
  const output = hosts.lab.path("fetched");
  const fetch = hosts.client.spawn(curl("--output", output, url(hosts, "http", "large")));
  await cutInTheMiddle(hosts.wires, SIZE, () => fileSize(output));
  await fetch.succeeded();
  assert.equal(await hashFile(output), hash);
  await assertCarried(hosts, 3);
});

applicationTest("apache", "Apache without a shim has curl's own TCP", async (hosts) => {
  const { log } = await startSite(hosts);
  await hosts.rule("client", "-c remote -p enable -s 80");
  await hosts.startShim("client");
  for (const family of [4, 6] as const) {
    await logged(log, `${await fetchPage(hosts, family)} /page.html 200`);
  }
  const fetch = hosts.client.spawn(curl("--output", "/dev/null", url(hosts, "http", "large")));
  const { client, server } = await hosts.ownConnection("curl", 80);
  assert.deepEqual([server.near, server.far], [client.far, client.near]);
  await fetch.succeeded();
  await assertDirect(hosts, 3);
});

/** Starts Redis' own client, into which commands are typed. */
function startRedisClient(hosts: ApplicationHosts): LabProcess {
  return hosts.client.spawn(["redis-cli", "-h", hosts.address("server")], { stdin: "piped" });
}

/** Has the client ask who it is, and gives its end of the connection as Redis sees it. */
async function askRedis(client: LabProcess): Promise<string> {
  await client.write("CLIENT INFO\n");
  return /addr=(\S+)/.exec(await client.line(/^id=/))![1];
}

/** Runs a command in Redis without leaving the server's host. */
function redisItself(hosts: ApplicationHosts, ...words: readonly string[]): Promise<string> {
  return hosts.server.run("redis-cli", ...words);
}

/** A file of commands that set `count` keys to values of 100 bytes. */
async function writeCommands(hosts: ApplicationHosts, count: number): Promise<string> {
  const commands = Array.from({ length: count }, (_, index) => {
    return `SET key${index} ${String(index * 7919).padStart(100, "x")}\r\n`;
  });
  const path = hosts.lab.path("commands");
  await Deno.writeTextFile(path, commands.join(""));
  return path;
}

applicationTest("redis", "Redis takes a pipelined load though a path is lost", async (hosts) => {
  const count = 80_000;
  const input = await writeCommands(hosts, count);
  await startRedis(hosts);
  await hosts.startShims("6379");
  const typed = startRedisClient(hosts);
  const seen = await askRedis(typed);
  const stored = async () => Number(await redisItself(hosts, "DBSIZE"));
  const words = ["redis-cli", "-h", hosts.address("server"), "--pipe"];
  const load = hosts.client.spawn(words, { input });
  await cutInTheMiddle(hosts.wires, count, stored);
  await load.succeeded();
  assert.match(load.lines.join("\n"), new RegExp(`errors: 0, replies: ${count}`));
  const digest = await redisItself(hosts, "DEBUG", "DIGEST");
  await redisItself(hosts, "FLUSHALL");
  await hosts.server.spawn(["redis-cli", "--pipe"], { input }).succeeded();
  assert.equal(await redisItself(hosts, "DEBUG", "DIGEST"), digest);
  assert.equal(await askRedis(typed), seen, "the first connection is still the same");
  await assertCarried(hosts, 2);
});

applicationTest("redis", "Redis without a shim has its client's own TCP", async (hosts) => {
  await startRedis(hosts);
  await hosts.rule("client", "-c remote -p enable -s 6379");
  await hosts.startShim("client");
  const typed = startRedisClient(hosts);
  const seen = await askRedis(typed);
  const { client, server } = await hosts.ownConnection("redis-cli", 6379);
  assert.deepEqual([seen, server.far], [client.near, client.near]);
  await assertDirect(hosts, 1);
});

/** Starts telnet, into which is typed what the shell on the server is to do. */
function startTelnetClient(hosts: ApplicationHosts, family: 4 | 6 = 4): LabProcess {
  return hosts.client.spawn(["telnet", hosts.address("server", family)], { stdin: "piped" });
}

/** Types an arithmetic question, and waits for the answer, which the terminal's echo is not. */
async function askShell(terminal: LabProcess, question: number): Promise<void> {
  await terminal.write(`echo answer $((${question} * 1000))\n`);
  await terminal.line(new RegExp(`answer ${question}000`));
}

applicationTest("telnet", "a shell by telnet answers though a path is lost", async (hosts) => {
  await startTelnet(hosts);
  await hosts.startShims("23");
  const terminal = startTelnetClient(hosts);
  await terminal.line(/Connected to/);
  await askShell(terminal, 1);
  for (const [index, wire] of hosts.wires.entries()) {
    await wire.cut();
    await askShell(terminal, 2 + index);
    await wire.heal();
    await askShell(terminal, 4 + index);
  }
  await terminal.write("exit\n");
  await terminal.line(/Connection closed by foreign host/);
  await assertCarried(hosts, 1);
});

applicationTest("telnet", "a shell by telnet without a shim has its own TCP", async (hosts) => {
  await startTelnet(hosts);
  await hosts.rule("client", "-c remote -p enable -s 23");
  await hosts.startShim("client");
  const terminal = startTelnetClient(hosts);
  await terminal.line(/Connected to/);
  await askShell(terminal, 1);
  const { client, server } = await hosts.ownConnection("telnet", 23);
  assert.deepEqual([server.near, server.far], [client.far, client.near]);
  await assertDirect(hosts, 1);
});

/** sshd on the server's host, and what OpenSSH's clients are to be told to reach it. */
async function startSsh(hosts: ApplicationHosts): Promise<readonly string[]> {
  const ssh = await SshLab.create(hosts.lab);
  await ssh.startServer(hosts.server);
  // The server's key is known by the name under which a forward would reach it.
  return [...await ssh.clientOptions(22), "-o", "HostKeyAlias=[127.0.0.1]:22"];
}

/** Starts a shell on the server, into which is typed. */
function startSshClient(hosts: ApplicationHosts, options: readonly string[]): LabProcess {
  const words = ["ssh", "-tt", ...options, hosts.address("server"), "exec sh"];
  return hosts.client.spawn(words, { stdin: "piped" });
}

applicationTest("ssh", "ssh, scp and sftp go on though a path is lost", async (hosts) => {
  const options = await startSsh(hosts);
  await hosts.startShims("22");
  const terminal = startSshClient(hosts, options);
  await askShell(terminal, 1);
  const [input, copied, fetched] = ["input", "copied", "fetched"].map((name) =>
    hosts.lab.path(name)
  );
  const hash = await writePayload(input, SIZE, 2);
  const server = hosts.address("server");
  const scp = hosts.client.spawn(["scp", ...options, input, `${server}:${copied}`]);
  const copiedBytes = () => fileSize(copied);
  await cutInTheMiddle(hosts.wires, SIZE, copiedBytes, () => askShell(terminal, 2));
  await scp.succeeded();
  assert.equal(await hashFile(copied), hash);
  const sftp = hosts.client.spawn(["sftp", ...options, `${server}:${copied}`, fetched]);
  await cutInTheMiddle(hosts.wires, SIZE, () => fileSize(fetched));
  await sftp.succeeded();
  assert.equal(await hashFile(fetched), hash);
  await askShell(terminal, 3);
  await terminal.write("exit 7\n");
  assert.equal((await terminal.finished()).code, 7);
  await assertCarried(hosts, 3);
});

applicationTest("ssh", "ssh without a shim has its own TCP", async (hosts) => {
  const options = await startSsh(hosts);
  await hosts.rule("client", "-c remote -p enable -s 22");
  await hosts.startShim("client");
  const terminal = startSshClient(hosts, options);
  await terminal.write("echo seen $SSH_CLIENT\n");
  const seen = /seen (\d\S+) (\d+)/.exec(await terminal.line(/seen \d/))!.slice(1).join(":");
  const { client, server } = await hosts.ownConnection("ssh", 22);
  assert.deepEqual([seen, server.far], [client.near, client.near]);
  await assertDirect(hosts, 1);
});

const PASSIVE_PORTS = { first: 50_000, last: 50_009 } as const;

/** Starts vsftpd with a large file, and gives the hash of that. */
async function startFtpSite(hosts: ApplicationHosts): Promise<string> {
  const root = hosts.lab.path("ftp");
  await Deno.mkdir(root);
  const hash = await writePayload(`${root}/large`, SIZE, 3);
  await startFtp(hosts, root, PASSIVE_PORTS);
  return hash;
}

const FTP_PORTS = ["21", `${PASSIVE_PORTS.first}:${PASSIVE_PORTS.last}`] as const;

applicationTest(
  "ftp",
  "FTP, passive, fetches a file though a path is lost",
  async (hosts) => {
    const hash = await startFtpSite(hosts);
    await hosts.forceBindall("server");
    await hosts.startShims(...FTP_PORTS);
    const fetched = hosts.lab.path("fetched");
    const fetch = hosts.client.spawn(curl("--output", fetched, url(hosts, "ftp", "large")));
    await cutInTheMiddle(hosts.wires, SIZE, () => fileSize(fetched));
    await fetch.succeeded();
    assert.equal(await hashFile(fetched), hash);
    await assertCarried(hosts, 2);
  },
);

applicationTest("ftp", "FTP, active, fetches a file though a path is lost", async (hosts) => {
  const hash = await startFtpSite(hosts);
  for (const [near, far] of [["client", "server"], ["server", "client"]] as const) {
    await hosts.rule(near, "-c remote -p enable");
    await hosts.rule(far, "-c local -p enable");
    await hosts.forceBindall(far);
  }
  await Promise.all([hosts.startShim("client"), hosts.startShim("server", "--intercept")]);
  const fetched = hosts.lab.path("fetched");
  const active = ["tnftp", "-A", "-V"];
  const fetch = hosts.client.spawn([...active, "-o", fetched, url(hosts, "ftp", "large")]);
  await cutInTheMiddle(hosts.wires, SIZE, () => fileSize(fetched));
  await fetch.succeeded();
  assert.equal(await hashFile(fetched), hash);
  for (const side of ["client", "server"] as const) {
    const { counters } = await hosts.status(side);
    assert.deepEqual([counters.held, counters.carried, counters.associated], [1, 2, 1], side);
  }
});

applicationTest(
  "ftp",
  "FTP without a shim has TCP of its own",
  async (hosts) => {
    const hash = await startFtpSite(hosts);
    await hosts.rule("client", "-c remote -p enable");
    await hosts.startShim("client");
    const fetched = hosts.lab.path("fetched");
    const fetch = hosts.client.spawn(curl("--output", fetched, url(hosts, "ftp", "large")));
    const { client, server } = await hosts.ownConnection("curl", 21);
    assert.deepEqual([server.near, server.far], [client.far, client.near]);
    await fetch.succeeded();
    assert.equal(await hashFile(fetched), hash);
    await assertDirect(hosts, 2);
  },
);
