import assert from "node:assert/strict";
import { Fault } from "./fault.ts";
import { Network } from "./network.ts";

function networkText(text: string): string {
  const network = Network.parse(text);
  return network instanceof Fault ? `fault: ${network.code}` : network.text;
}

Deno.test("a network is an address and a prefix length or a mask", () => {
  const given: [text: string, meant: string][] = [
    ["10.1.2.0/24", "10.1.2.0/24"],
    ["10.1.2.0/255.255.255.0", "10.1.2.0/24"],
    ["10.1.2.128/255.255.255.128", "10.1.2.128/25"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["0.0.0.0/0.0.0.0", "0.0.0.0/0"],
    ["192.0.2.7/32", "192.0.2.7"],
    ["192.0.2.7/255.255.255.255", "192.0.2.7"],
    ["2001:DB8::/32", "2001:db8::/32"],
    ["2001:db8:0:8000::/ffff:ffff:ffff:8000::", "2001:db8:0:8000::/49"],
    ["::/0", "::/0"],
    ["2001:db8::1/128", "2001:db8::1"],
  ];
  for (const [text, meant] of given) assert.equal(networkText(text), meant);
});

const FAULTS: [read: (text: string) => Network | Fault, text: string, code: string, RegExp][] = [
  [Network.parse, "10.1.2.3/24", "host-bits", /network 10\.1\.2\.0\/24, or the host 10\.1\.2\.3\?/],
  [Network.parse, "10.1.2.3/255.255.0.0", "host-bits", /network 10\.1\.0\.0\/16/],
  [Network.parse, "2001:db8::1/64", "host-bits", /network 2001:db8::\/64, or the host 2001:db8::1/],
  [Network.parse, "10.0.0.0/33", "prefix-too-long", /33 is above 32/],
  [Network.parse, "2001:db8::/129", "prefix-too-long", /129 is above 128/],
  [Network.parse, "10.1.0.0/255.0.255.0", "mask-not-contiguous", /ones must all stand before/],
  [Network.parse, "10.1.2.0/0.0.0.255", "mask-not-contiguous", /did you mean 255\.255\.255\.0\?/],
  [Network.parse, "2001:db8::/255.255.0.0", "mask-family", /mask 255\.255\.0\.0 is for IPv4, but/],
  [Network.parse, "10.0.0.0/ffff::", "mask-family", /is for IPv6, but 10\.0\.0\.0 is IPv4/],
  [Network.parse, "10.0.0.0/", "bad-mask", /"" is neither a prefix length nor a mask/],
  [Network.parse, "10.0.0.0/255.255.256.0", "bad-mask", /"255\.255\.256\.0" is neither/],
  [Network.parse, "10.0.0.0/-8", "bad-mask", /"-8" is neither/],
  [Network.parse, "10.0.0.0", "mask-missing", /write 10\.0\.0\.0\/LENGTH or .*-h/],
  [Network.parse, "example.org/24", "bad-address", /"example\.org" is no IPv4 or IPv6 address/],
  [Network.parse, "/24", "bad-address", /"" is no IPv4 or IPv6 address/],
  [Network.parse, "::ffff:10.0.0.0/104", "mapped-address", /write 10\.0\.0\.0/],
  [Network.parseHost, "10.1.2.0/24", "host-with-mask", /is a network, not a host: give it to -n/],
  [Network.parseHost, "10.1.2", "bad-address", /"10\.1\.2" is no IPv4/],
  [Network.parseHost, "fe80::1%2", "zone", /has a zone.*write fe80::1$/],
  [Network.parseHost, "::ffff:192.0.2.1", "mapped-address", /write 192\.0\.2\.1/],
];

for (const [read, text, code, words] of FAULTS) {
  Deno.test(`"${text}" as a ${read === Network.parse ? "network" : "host"} is ${code}`, () => {
    const fault = read(text);
    assert.ok(fault instanceof Fault);
    assert.equal(fault.code, code);
    assert.match(fault.message, words);
  });
}
