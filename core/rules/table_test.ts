import assert from "node:assert/strict";
import fc from "fast-check";
import { IpAddress } from "../sctp/base/address.ts";
import { type Configuration, setDefault } from "./configuration.ts";
import { type Chain, CHAINS, formatRule, POLICIES, type Rule } from "./rule.ts";
import { configured, decider, rule } from "./testing/configured.ts";

Deno.test("the first matching rule decides, even if a later one is more specific", () => {
  // The example of Bickhart 2005, section 2.2.4.
  const wide = "-c remote -p enable -r 1:1024";
  const narrow = "-c remote -p enable -n 10.1.2.0/24 -s 1000";
  assert.equal(decider(configured(wide, narrow), "remote", "10.1.2.3", 1000), wide);
  assert.equal(decider(configured(narrow, wide), "remote", "10.1.2.3", 1000), narrow);
  assert.equal(decider(configured(narrow, wide), "remote", "10.1.3.3", 1000), wide);
});

Deno.test("only the chain opposite to the default policy is searched", () => {
  const four = CHAINS.flatMap((chain) =>
    POLICIES.map((policy) => `-c ${chain} -p ${policy} -s 22`)
  );
  for (const chain of CHAINS) {
    const configuration = configured(...four);
    assert.equal(decider(configuration, chain, "10.0.0.1", 22), `-c ${chain} -p enable -s 22`);
    configuration.apply(setDefault(chain, "enable"));
    assert.equal(decider(configuration, chain, "10.0.0.1", 22), `-c ${chain} -p disable -s 22`);
    const other = chain === "local" ? "remote" : "local";
    assert.equal(decider(configuration, other, "10.0.0.1", 22), `-c ${other} -p enable -s 22`);
  }
});

Deno.test("where no rule matches the default of the chain holds", () => {
  const configuration = configured("-c remote -p enable -s 22", "-c remote -p disable -s 80");
  assert.equal(decider(configuration, "remote", "10.0.0.1", 80), "disable");
  assert.equal(decider(configuration, "local", "10.0.0.1", 22), "disable");
  configuration.apply(setDefault("remote", "enable"));
  assert.equal(decider(configuration, "remote", "10.0.0.1", 22), "enable");
});

Deno.test("what a rule leaves open is a wildcard", () => {
  const matches = (text: string, address: string, port: number) =>
    decider(configured(text), "remote", address, port) === text;
  const host = "-c remote -p enable -h 10.1.2.3";
  assert.ok(matches(host, "10.1.2.3", 1) && matches(host, "10.1.2.3", 65_535));
  assert.ok(!matches(host, "10.1.2.4", 22));
  const port = "-c remote -p enable -s 22";
  assert.ok(matches(port, "10.1.2.3", 22) && matches(port, "2001:db8::1", 22));
  assert.ok(!matches(port, "10.1.2.3", 23));
  const all = "-c remote -p enable";
  assert.ok(matches(all, "10.1.2.3", 1) && matches(all, "::1", 65_535));
  const allOfV4 = "-c remote -p enable -n 0.0.0.0/0";
  assert.ok(matches(allOfV4, "192.0.2.1", 22) && !matches(allOfV4, "2001:db8::1", 22));
  const allOfV6 = "-c remote -p enable -n ::/0";
  assert.ok(matches(allOfV6, "2001:db8::1", 22) && !matches(allOfV6, "192.0.2.1", 22));
});

Deno.test("networks and ranges have their ends", () => {
  const configuration = configured(
    "-c remote -p enable -n 10.1.2.128/25 -r 20:22",
    "-c remote -p enable -n 2001:db8:0:8000::/49",
  );
  const enabled = (address: string, port: number) =>
    decider(configuration, "remote", address, port) !== "disable";
  assert.ok(enabled("10.1.2.128", 20) && enabled("10.1.2.255", 22));
  assert.ok(!enabled("10.1.2.127", 20) && !enabled("10.1.3.0", 20));
  assert.ok(!enabled("10.1.2.128", 19) && !enabled("10.1.2.128", 23));
  assert.ok(enabled("2001:db8:0:8000::", 1) && enabled("2001:db8:0:ffff:ffff::1", 1));
  assert.ok(!enabled("2001:db8:0:7fff::1", 1) && !enabled("2001:db8:1:8000::1", 1));
});

Deno.test("a dual-stack socket's IPv4 address is matched as the IPv4 address that it is", () => {
  const text = "-c local -p enable -h 10.1.2.3";
  assert.equal(decider(configured(text), "local", "::ffff:10.1.2.3", 22), text);
  assert.equal(
    decider(configured("-c local -p enable -n ::/0"), "local", "::ffff:10.1.2.3", 22),
    "disable",
  );
});

Deno.test("a link's zone does not matter", () => {
  const text = "-c remote -p enable -n fe80::/10";
  assert.equal(decider(configured(text), "remote", "fe80::1%3", 22), text);
});

Deno.test("a rule is about its protocol only, and no default enables UDP", () => {
  const tcp = "-c remote -p enable -r 1:100";
  const udp = "-c remote -p enable -P udp -s 53";
  const configuration = configured(tcp, udp);
  const { table } = configuration;
  const address = IpAddress.parse("10.1.2.3");
  const decides = (port: number, protocol: "tcp" | "udp") => {
    const { enabled, entry } = table.find("remote", address, port, protocol);
    return [enabled, entry ? formatRule(entry.rule) : "default"];
  };
  assert.deepEqual(decides(53, "tcp"), [true, tcp]);
  assert.deepEqual(decides(53, "udp"), [true, udp]);
  assert.deepEqual(decides(54, "udp"), [false, "default"]);
  configuration.apply(setDefault("remote", "enable"));
  assert.deepEqual(decides(101, "tcp"), [true, "default"]);
  assert.deepEqual(decides(53, "udp"), [true, udp]);
  assert.deepEqual(decides(54, "udp"), [false, "default"]);
});

Deno.test("a rule counts what it has decided, and explaining counts nothing", () => {
  const configuration = configured("-c remote -p enable -s 22", "-c remote -p enable -s 80");
  const { table } = configuration;
  for (let i = 0; i < 3; i++) decider(configuration, "remote", "10.0.0.1", 80);
  decider(configuration, "remote", "10.0.0.1", 443);
  table.find("remote", IpAddress.parse("10.0.0.1"), 22);
  assert.deepEqual(table.chain("remote", "enable").entries.map(({ hits }) => hits), [0, 3]);
});

Deno.test("a rule that is there already is not added again, however it is written", () => {
  const configuration = configured("-c remote -p enable -s 22", "-c remote -p enable -h 10.0.0.1");
  const fault = configuration.apply({
    kind: "add",
    rule: rule("-c remote -p enable -n 10.0.0.1/32"),
  });
  assert.equal(fault?.code, "duplicate-rule");
  assert.match(
    fault.message,
    /"-c remote -p enable -h 10\.0\.0\.1" is there already: rule 2 of remote-enable/,
  );
  assert.equal(
    configuration.apply({ kind: "add", rule: rule("-c local -p enable -s 22") }),
    undefined,
  );
});

Deno.test("a rule is deleted by the same specification", () => {
  const configuration = configured("-c remote -p enable -s 22", "-c remote -p enable -s 80");
  const deleted = { kind: "delete", rule: rule("-c remote -p enable -r 22:22") } as const;
  assert.equal(configuration.apply(deleted), undefined);
  assert.equal(decider(configuration, "remote", "10.0.0.1", 22), "disable");
  assert.equal(decider(configuration, "remote", "10.0.0.1", 80), "-c remote -p enable -s 80");
  assert.equal(configuration.apply(deleted)?.code, "unknown-rule");
});

Deno.test("a search after a change goes by the changed rules", () => {
  const [http, ssh] = ["-c remote -p enable -s 80", "-c remote -p enable -s 22"];
  const configuration = configured(http);
  const decided = () => decider(configuration, "remote", "10.0.0.1", 22);
  assert.equal(decided(), "disable");
  configuration.apply({ kind: "add", rule: rule(ssh) });
  assert.equal(decided(), ssh);
  configuration.apply({ kind: "delete", rule: rule(http) });
  assert.equal(decided(), ssh);
  configuration.apply({ kind: "flush", chain: "remote" });
  configuration.apply({ kind: "add", rule: rule(http) });
  assert.equal(decided(), "disable");
});

Deno.test("a rule that cannot be deleted is looked for in the other chains", () => {
  const configuration = configured("-c remote -p enable -s 22");
  const elsewhere = configuration.apply({
    kind: "delete",
    rule: rule("-c remote -p disable -s 22"),
  });
  assert.equal(
    elsewhere?.message,
    'remote-disable has no rule "-c remote -p disable -s 22"; remote-enable has it',
  );
  const nowhere = configuration.apply({ kind: "delete", rule: rule("-c remote -p enable -s 23") });
  assert.equal(nowhere?.message, 'remote-enable has no rule "-c remote -p enable -s 23"');
});

Deno.test("flushing empties one chain, those of a class or a policy, or all", () => {
  const four = CHAINS.flatMap((chain) =>
    POLICIES.map((policy) => `-c ${chain} -p ${policy} -s 22`)
  );
  const left = (...arguments_: Parameters<Configuration["table"]["flush"]>) => {
    const { table } = configured(...four);
    const count = table.flush(...arguments_);
    const names = table.chains.filter(({ entries }) => entries.length > 0).map(({ name }) => name);
    assert.equal(count + names.length, 4);
    return names;
  };
  assert.deepEqual(left("remote", "enable"), ["local-enable", "local-disable", "remote-disable"]);
  assert.deepEqual(left("local"), ["remote-enable", "remote-disable"]);
  assert.deepEqual(left(undefined, "disable"), ["local-enable", "remote-enable"]);
  assert.deepEqual(left(), []);
});

/** Bits of an address as the thesis would compare them: slowly, by text. */
function bits(address: IpAddress): string {
  return Array.from(address.bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
}

function naiveMatch({ network, ports }: Rule, address: IpAddress, port: number): boolean {
  if (ports && (port < ports.low || port > ports.high)) return false;
  if (!network) return true;
  const prefix = bits(network.address).slice(0, network.prefixLength);
  return network.address.family === address.family && bits(address).startsWith(prefix);
}

/** Few distinct bits, so that rules and addresses often meet. */
const byte = fc.constantFrom(0, 1, 127, 128, 255);
const v4 = fc.array(byte, { minLength: 4, maxLength: 4 })
  .map((bytes) => IpAddress.fromBytes(4, Uint8Array.from(bytes)));
const v6 = fc.array(byte, { minLength: 4, maxLength: 4 }).map(([a, b, c, d]) => {
  const bytes = new Uint8Array(16);
  [bytes[0], bytes[4], bytes[11], bytes[15]] = [0x20 | (a & 1), b, c & 1, d];
  return IpAddress.fromBytes(6, bytes);
});
const address = fc.oneof(v4, v6);
const port = fc.integer({ min: 1, max: 6 });

const networkWords = fc.tuple(address, fc.nat(128)).map(([{ family, bytes }, wanted]) => {
  const length = Math.min(wanted, bytes.length * 8);
  const lowest = bytes.map((value, i) =>
    value & (0xff00 >> Math.min(8, Math.max(0, length - 8 * i)))
  );
  return `-n ${IpAddress.fromBytes(family, lowest)}/${length}`;
});
const addressWords = fc.oneof(fc.constant(""), address.map((host) => `-h ${host}`), networkWords);
const portWords = fc.oneof(
  fc.constant(""),
  port.map((one) => `-s ${one}`),
  fc.tuple(port, port).map((two) => `-r ${Math.min(...two)}:${Math.max(...two)}`),
);
const ruleText = fc.tuple(
  fc.constantFrom(...CHAINS),
  fc.constantFrom(...POLICIES),
  addressWords,
  portWords,
)
  .map(([chain, policy, ...spec]) =>
    formatRule(rule(`-c ${chain} -p ${policy} ${spec.join(" ")}`))
  );

Deno.test("the table finds what a naive search of one list finds", () => {
  const property = fc.property(
    fc.uniqueArray(ruleText, { maxLength: 30 }),
    fc.array(fc.tuple(fc.constantFrom<Chain>(...CHAINS), address, port), {
      minLength: 1,
      maxLength: 20,
    }),
    fc.boolean(),
    fc.boolean(),
    (texts, questions, local, remote) => {
      const configuration = configured(...texts);
      const defaults = {
        local: local ? "enable" : "disable",
        remote: remote ? "enable" : "disable",
      } as const;
      for (const chain of CHAINS) configuration.apply(setDefault(chain, defaults[chain]));
      for (const [chain, to, at] of questions) {
        const first = texts.map(rule).find((each) =>
          each.chain === chain && each.policy !== defaults[chain] && naiveMatch(each, to, at)
        );
        const expected = first ? formatRule(first) : defaults[chain];
        assert.equal(decider(configuration, chain, to.text, at), expected);
      }
    },
  );
  fc.assert(property, { numRuns: 300 });
});
