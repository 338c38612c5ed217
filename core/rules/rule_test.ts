import assert from "node:assert/strict";
import { Fault } from "./fault.ts";
import { formatRule, parseRule } from "./rule.ts";

function canonical(text: string): string {
  const rule = parseRule(text);
  return rule instanceof Fault ? `fault: ${rule.code}` : formatRule(rule);
}

Deno.test("every combination that the thesis lists is read and written as it would be typed", () => {
  const parts = ["-h 10.1.2.3", "-n 10.1.2.0/24", ""];
  for (const chain of ["local", "remote"]) {
    for (const policy of ["enable", "disable"]) {
      for (const address of parts) {
        for (const ports of ["-s 22", "-r 1:1024", ""]) {
          const words = [`-c ${chain} -p ${policy}`, address, ports].filter((part) => part !== "");
          assert.equal(canonical(words.join(" ")), words.join(" "));
        }
      }
    }
  }
});

Deno.test("options stand in any order, and what means the same is written the same", () => {
  const given: [text: string, meant: string][] = [
    [
      "-s 80 -n 10.1.2.0/255.255.255.0 -p enable -c local",
      "-c local -p enable -n 10.1.2.0/24 -s 80",
    ],
    ["-P tcp -c remote -p enable -s 22", "-c remote -p enable -s 22"],
    ["-s 53 -P udp -c remote -p enable", "-c remote -p enable -P udp -s 53"],
    ["  -c remote  -p\tdisable -r 80:80 ", "-c remote -p disable -s 80"],
    ["-c remote -p enable -n 2001:DB8::1/128", "-c remote -p enable -h 2001:db8::1"],
  ];
  for (const [text, meant] of given) assert.equal(canonical(text), meant);
});

const FAULTS: [text: string, code: string, words: RegExp][] = [
  ["-p enable -s 22", "missing-chain", /add -c local or -c remote/],
  ["-c remote -s 22", "missing-policy", /add -p enable or -p disable/],
  ["-c input -p enable", "bad-chain", /"input" is no chain: there are local and remote/],
  ["-c remote -p allow", "bad-policy", /"allow" is no policy/],
  ["-c remote -p enable -P icmp", "bad-protocol", /"icmp" is no protocol .* tcp and udp/],
  ["-c remote -p enable -h 10.0.0.1 -n 10.0.0.0/8", "host-and-network", /not both/],
  ["-c remote -p enable -s 22 -r 1:1024", "port-and-range", /not both/],
  ["-c remote -p enable -s 22 -s 23", "bad-option", /-s stands twice/],
  ["-c remote -p enable -x 22", "bad-option", /"-x" is no part of a rule/],
  ["-c remote -p enable __proto__ 22", "bad-option", /"__proto__" is no part of a rule/],
  ["-c remote -p enable -s", "bad-option", /nothing follows -s/],
  ["", "bad-option", /"" is no part of a rule/],
  ["-c remote -p enable -n 10.1.2.3/24", "host-bits", /10\.1\.2\.0\/24/],
  ["-c remote -p enable -s 0", "port-zero", /port 0/],
];

for (const [text, code, words] of FAULTS) {
  Deno.test(`the rule "${text}" is ${code}`, () => {
    const fault = parseRule(text);
    assert.ok(fault instanceof Fault);
    assert.equal(fault.code, code);
    assert.match(fault.message, words);
  });
}
