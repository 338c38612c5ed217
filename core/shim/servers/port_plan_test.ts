import assert from "node:assert/strict";
import type { Listener } from "../../net/listeners.ts";
import { readChange } from "../../rules/change_data.ts";
import { Configuration } from "../../rules/configuration.ts";
import { Fault } from "../../rules/fault.ts";
import { IpAddress } from "../../sctp/base/address.ts";
import { planService } from "./port_plan.ts";

/** A listener at `address port`; `::` takes IPv4 too, as the kernel has it by default. */
function at(place: string, more: Partial<Listener> = {}): Listener {
  const [address, port] = place.split(" ");
  return {
    address: IpAddress.parse(address),
    port: Number(port),
    v6Only: false,
    interfaceIndex: 0,
    uid: 0,
    inode: 1,
    ...more,
  };
}

/** Rules as they are typed, after `-c local -p`, and settings as `name=value`. */
function configured(...words: readonly string[]): Configuration {
  const configuration = new Configuration();
  for (const word of words) {
    const [name, value] = word.split("=");
    const change = readChange(
      value === undefined
        ? { kind: "add", rule: `-c local -p ${word}` }
        : { kind: "set", name, value },
    );
    assert.ok(!(change instanceof Fault), word);
    assert.equal(configuration.apply(change), undefined);
  }
  return configuration;
}

const HOST = ["127.0.0.1", "10.0.0.1", "10.0.1.1", "::1", "fd00::1"].map(IpAddress.parse);

/** At which of the host's addresses a port is reachable, and where its connections go. */
function reach(listeners: readonly Listener[], port: number, ...words: readonly string[]) {
  const plan = planService(listeners, configured(...words)).ports.get(port);
  return Object.fromEntries(
    plan?.reachableAt(HOST).map((address) => [address.text, plan.serverAt(address)?.text]) ?? [],
  );
}

Deno.test("nothing is served unless a rule or the default enables it", () => {
  const listeners = [at("0.0.0.0 22"), at("10.0.0.1 80")];
  assert.deepEqual([...planService(listeners, configured()).ports.keys()], []);
  assert.deepEqual([...planService(listeners, configured("enable -s 80")).ports.keys()], [80]);
  const all = configured("default_local_enable=1", "disable -s 22");
  assert.deepEqual([...planService(listeners, all).ports.keys()], [80]);
});

Deno.test("a rule for an address is about servers that have bound it", () => {
  const rule = "enable -h 10.0.0.1 -s 80";
  assert.deepEqual(reach([at("10.0.0.1 80")], 80, rule), { "10.0.0.1": "10.0.0.1" });
  assert.deepEqual(reach([at("0.0.0.0 80")], 80, rule), {});
});

Deno.test("a server is reachable where it listens, and gets its client's connections there", () => {
  const enable = "enable -s 80";
  assert.deepEqual(reach([at("127.0.0.1 80")], 80, enable), { "127.0.0.1": "127.0.0.1" });
  assert.deepEqual(reach([at("10.0.0.1 80"), at("fd00::1 80")], 80, enable), {
    "10.0.0.1": "10.0.0.1",
    "fd00::1": "fd00::1",
  });
  assert.deepEqual(Object.keys(reach([at("0.0.0.0 80")], 80, enable)), [
    "127.0.0.1",
    "10.0.0.1",
    "10.0.1.1",
  ]);
  assert.deepEqual(Object.keys(reach([at(":: 80")], 80, enable)), HOST.map(String));
  assert.deepEqual(Object.keys(reach([at(":: 80", { v6Only: true })], 80, enable)), [
    "::1",
    "fd00::1",
  ]);
  assert.deepEqual(reach([at("::ffff:10.0.0.1 80")], 80, enable), { "10.0.0.1": "10.0.0.1" });
});

Deno.test("force_bindall makes it reachable everywhere, by the address that it has bound", () => {
  const words = ["enable -s 80", "force_bindall=1"];
  assert.deepEqual(reach([at("10.0.0.1 80")], 80, ...words), {
    "127.0.0.1": "10.0.0.1",
    "10.0.0.1": "10.0.0.1",
    "10.0.1.1": "10.0.0.1",
    "::1": "10.0.0.1",
    "fd00::1": "10.0.0.1",
  });
  assert.equal(reach([at("0.0.0.0 80")], 80, ...words)["fd00::1"], "127.0.0.1");
  const both = reach([at("127.0.0.1 80"), at("::1 80")], 80, ...words);
  assert.deepEqual([both["10.0.0.1"], both["fd00::1"]], ["127.0.0.1", "::1"]);
  assert.equal(reach([at(":: 80", { v6Only: true })], 80, ...words)["10.0.0.1"], "::1");
});

Deno.test("a server that is bound to an interface is left to TCP", () => {
  assert.deepEqual(reach([at("10.0.0.1 80", { interfaceIndex: 2 })], 80, "enable -s 80"), {});
});

Deno.test("a rule counts a hit for each listener about which it decides, once", () => {
  const configuration = configured("enable -r 1:1024");
  const [entry] = configuration.table.chain("local", "enable").entries;
  const first = planService([at("0.0.0.0 22"), at("0.0.0.0 80")], configuration);
  assert.equal(entry.hits, 2);
  const second = planService([at("0.0.0.0 22"), at("0.0.0.0 80")], configuration, first.decided);
  assert.equal(entry.hits, 2);
  planService([at("0.0.0.0 22"), at("0.0.0.0 81")], configuration, second.decided);
  assert.equal(entry.hits, 3);
});
