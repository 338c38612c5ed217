import assert from "node:assert/strict";
import { hostAddresses, resolveBoundAddresses } from "./interfaces.ts";
import { TwoHosts } from "./testing/namespaces.ts";
import { address } from "./testing/packet_io_support.ts";
import { needs } from "./testing/requirements.ts";

Deno.test(
  needs(["linux"], "the loopback address has its prefix, and the first interface", () => {
    const [loopback] = resolveBoundAddresses([address("127.0.0.1")]);
    assert.equal(loopback.address.text, "127.0.0.1");
    assert.equal(loopback.prefixLength, 8);
    assert.equal(loopback.interfaceIndex, 1);
    assert.ok(hostAddresses().some((each) => each.address.equals(loopback.address)));
  }),
);

Deno.test("an address that is not this host's stands alone", () => {
  assert.deepEqual(
    resolveBoundAddresses(["192.0.2.1", "2001:db8::1"].map(address)).map((each) => ({ ...each })),
    [
      { address: address("192.0.2.1"), prefixLength: 32, interfaceIndex: 0 },
      { address: address("2001:db8::1"), prefixLength: 128, interfaceIndex: 0 },
    ],
  );
});

Deno.test(
  needs(
    ["linux", "ffi", "root", "netns"],
    "addresses of several interfaces have their prefixes and indexes, link-local ones a scope",
    async () => {
      using hosts = await TwoHosts.make([
        [["10.9.0.1/20", "fd09::1/64"], []],
        [["10.9.64.1/24"], []],
      ]);
      const found = hosts.in(hosts.names[0], hostAddresses);
      const byText = new Map(found.map((each) => [each.address.text, each]));
      const [first, second] = ["10.9.0.1", "10.9.64.1"].map((text) => byText.get(text)!);
      assert.equal(first.prefixLength, 20);
      assert.equal(second.prefixLength, 24);
      assert.notEqual(first.interfaceIndex, second.interfaceIndex);
      assert.equal(byText.get("fd09::1")!.interfaceIndex, first.interfaceIndex);
      const linkLocal = found.filter((each) => each.address.isLinkLocal);
      assert.ok(linkLocal.length > 0);
      for (const each of linkLocal) assert.equal(each.address.scope, each.interfaceIndex);
    },
  ),
);
