/**
 * What the tests of applications have in common. Real applications, unmodified, stand on two hosts
 * that two wires join: carried over SCTP by the hosts' shims, and over TCP of their own where the
 * server's host has no shim.
 */
import assert from "node:assert/strict";
import { needs, type RequirementName } from "../../../core/net/testing/requirements.ts";
import { ApplicationHosts } from "../lab/application_hosts.ts";
import { DISTURBED_RATE } from "../lab/cut.ts";
import type { LabProcess } from "../lab/process.ts";

const REQUIREMENTS = ["linux", "root", "netns", "nft", "iptables", "ffi", "ipv6"] as const;

/** Every application is tested over both. */
export const FAMILIES = [4, 6] as const;
export type Family = typeof FAMILIES[number];

/** Bytes of a transfer that is to be disturbed: three seconds and more. */
export const SIZE = 16_000_000;

/** Bytes of a transfer that takes long enough to look at its connection. */
export const SHORT_SIZE = 8_000_000;

/** A test of an application on hosts whose wires have {@link DISTURBED_RATE}. */
export function applicationTest(
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
export async function assertCarried(hosts: ApplicationHosts, count: number): Promise<void> {
  const { counters, connections, ended } = await hosts.status("client");
  const all = [...connections, ...ended];
  assert.deepEqual([counters.carried, counters.direct, counters.fellBack], [count, 0, 0]);
  for (const { state, carrier } of all) assert.deepEqual([state, carrier], ["ACTIVE", "sctp"]);
  assert.equal((await hosts.status("server")).counters.associated, count);
}

/** That the client's shim has tried SCTP for `count` connections, and left each to the kernel's TCP. */
export async function assertDirect(hosts: ApplicationHosts, count: number): Promise<void> {
  const { counters } = await hosts.status("client");
  const { carried, direct, accepted } = counters;
  assert.deepEqual({ carried, direct, accepted }, { carried: 0, direct: count, accepted: 0 });
}

/** Starts the client's shim alone, with a rule for `port` of the server, or for all. */
export async function startClientShim(hosts: ApplicationHosts, port?: number): Promise<void> {
  await hosts.rule("client", `-c remote -p enable${port === undefined ? "" : ` -s ${port}`}`);
  await hosts.startShim("client");
}

/** `curl` without the settings and proxies of the machine. */
export function curl(...words: readonly string[]): readonly string[] {
  return ["curl", "-q", "--noproxy", "*", "--silent", "--show-error", "--fail", ...words];
}

/** Types an arithmetic question into a shell, and waits for the answer, which its echo is not. */
export async function askShell(terminal: LabProcess, question: number): Promise<void> {
  await terminal.write(`echo answer $((${question} * 1000))\n`);
  await terminal.line(new RegExp(`answer ${question}000`));
}
