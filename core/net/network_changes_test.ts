import assert from "node:assert/strict";
import { NetworkChanges } from "./network_changes.ts";
import { TwoHosts } from "./testing/namespaces.ts";
import { needs } from "./testing/requirements.ts";

const NEEDS = ["linux", "ffi", "root", "netns", "ipv6"] as const;

Deno.test(
  needs(NEEDS, "addresses, links and default routes that change are told, once", async () => {
    using hosts = await TwoHosts.make([[["10.66.0.1/24", "fd00:66::1/64"], ["10.66.0.2/24"]]]);
    const [name] = hosts.names;
    const changes = hosts.in(name, () => new NetworkChanges());
    const poll = () => hosts.in(name, () => changes.poll());
    try {
      assert.equal(poll(), false);
      hosts.ip(name, "address", "add", "10.66.0.9/24", "dev", "link0");
      assert.equal(poll(), true);
      assert.equal(poll(), false);
      hosts.ip(name, "route", "add", "default", "via", "10.66.0.2");
      assert.equal(poll(), true);
      hosts.ip(name, "route", "add", "10.67.0.0/24", "via", "10.66.0.2");
      assert.equal(poll(), false, "a route to one network is no other network");
      hosts.ip(name, "link", "set", "link0", "down");
      assert.equal(poll(), true);
    } finally {
      changes.close();
    }
  }),
);

Deno.test(needs(NEEDS, "an address whose lifetime is renewed is no change", async () => {
  using hosts = await TwoHosts.make([[["10.66.0.1/24"], ["10.66.0.2/24"]]]);
  const [name] = hosts.names;
  const changes = hosts.in(name, () => new NetworkChanges());
  try {
    const renewed = ["valid_lft", "1000", "preferred_lft", "1000"];
    hosts.ip(name, "address", "change", "10.66.0.1/24", "dev", "link0", ...renewed);
    assert.equal(hosts.in(name, () => changes.poll()), false);
  } finally {
    changes.close();
  }
}));
