import assert from "node:assert/strict";
import { IpAddress } from "../sctp/base/address.ts";
import { setDefault } from "./configuration.ts";
import { explain } from "./explain.ts";
import type { Chain } from "./rule.ts";
import { configured } from "./testing/configured.ts";

const SSH = "-c remote -p enable -n 10.1.2.0/24 -s 22";
const REMOTE = configured("-c remote -p enable -s 80", SSH);

function explained(configuration = REMOTE, chain: Chain = "remote", port = 22) {
  return explain(configuration, chain, IpAddress.parse("10.1.2.3"), port);
}

Deno.test("an explanation names the chain, the rule that decides and what follows", () => {
  assert.deepEqual(explained(), {
    chain: "remote",
    protocol: "tcp",
    address: "10.1.2.3",
    port: 22,
    default: "disable",
    searched: "remote-enable",
    rule: { number: 2, text: SSH },
    enabled: true,
    sentences: [
      "By default the shim is disabled (net.inet.sctp.shim.default_remote_enable=0), so the chain " +
      "remote-enable is searched, which has 2 rules.",
      `Rule 2 is the first that matches (${SSH}): the shim is enabled.`,
      "A connection there tries SCTP, with INIT sent 2 times at most; TCP is tried beside it after " +
      "250 ms, and used where the server does not answer over SCTP.",
    ],
  });
});

Deno.test("where no rule matches an explanation says so", () => {
  const { rule, enabled, sentences } = explained(REMOTE, "remote", 443);
  assert.equal(rule, null);
  assert.equal(enabled, false);
  assert.deepEqual(sentences.slice(1), [
    "No rule matches: the shim is disabled.",
    "A connection there is TCP, and does not pass through shimkit.",
  ]);
});

Deno.test("for a server an explanation says where SCTP reaches it", () => {
  const configuration = configured("-c local -p disable -s 22");
  configuration.apply(setDefault("local", "enable"));
  const [search, , end] = explained(configuration, "local").sentences;
  assert.match(search, /is enabled .*default_local_enable=1.*local-disable is searched.*1 rule\.$/);
  assert.match(end, /reachable over TCP only: .* ABORT/);
  assert.match(
    explained(configuration, "local", 80).sentences[2],
    /at the addresses it has bound, over/,
  );
  configuration.apply({ kind: "set", key: "forceBindall", value: 1 });
  assert.match(
    explained(configuration, "local", 80).sentences[2],
    /at all addresses of this host, over/,
  );
});

Deno.test("for UDP an explanation says that no default enables it, and what datagrams do", () => {
  const text = "-c remote -p enable -P udp -s 53";
  const configuration = configured("-c remote -p enable -s 53", text);
  configuration.apply(setDefault("remote", "enable"));
  const udp = (port: number) =>
    explain(configuration, "remote", IpAddress.parse("10.1.2.3"), port, "udp");
  const { rule, enabled, sentences } = udp(53);
  assert.deepEqual([rule, enabled], [{ number: 2, text }, true]);
  assert.match(sentences[0], /^UDP is left alone unless a rule enables it, .*remote-enable/);
  assert.match(sentences[2], /over SCTP once an association stands/);
  assert.equal(udp(54).enabled, false);
  assert.match(udp(54).sentences[2], /plain UDP/);
});

Deno.test("an explanation counts no hit", () => {
  explained();
  assert.equal(REMOTE.table.chain("remote", "enable").entries[1].hits, 0);
});
