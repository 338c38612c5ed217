import assert from "node:assert/strict";
import { ECONNREFUSED, EIO, ENETUNREACH, ENOPROTOOPT, ETIMEDOUT } from "./constants.ts";
import { firewallMark, MarkKind, refusalKind } from "./firewall_marks.ts";
import { chainRules, installScript, uninstallScript } from "./iptables_rules.ts";
import { nftScript } from "./nft_rules.ts";
import { formatOwner, parseOwner, thisProcess } from "./rules_owner.ts";
import { planOf, selection } from "./testing/held_syns.ts";
import { needs } from "./testing/requirements.ts";

const HOLD = "-j NFQUEUE --queue-num 7 --queue-bypass";

Deno.test("the chain has the plan's order, and the selections of its family only", () => {
  const plan = planOf({
    selections: [
      selection(false, "10.0.0.0/8", 22),
      selection(true, "fd09::/64", 1, 1024),
      selection(false),
    ],
    otherwise: true,
    cgroups: ["shimkit/1"],
  });
  assert.deepEqual(chainRules(plan, 4), [
    `-m cgroup --path shimkit/1 ${HOLD}`,
    "-d 10.0.0.0/8 -p tcp -m tcp --dport 22:22 -j RETURN",
    "-j RETURN",
    HOLD,
  ]);
  assert.deepEqual(chainRules(plan, 6), [
    `-m cgroup --path shimkit/1 ${HOLD}`,
    `-d fd09::/64 -p tcp -m tcp --dport 1:1024 ${HOLD}`,
    "-j RETURN",
    HOLD,
  ]);
});

Deno.test("a cgroup cannot smuggle words into a script", () => {
  for (const path of ["a b", "a\nCOMMIT", "/a", '"', ""]) {
    assert.throws(() => chainRules(planOf({ cgroups: [path] }), 4), TypeError);
  }
});

Deno.test("installing anew replaces the way into the chain, removing takes all of it", () => {
  const jump = "-A OUTPUT -p tcp -j SHIMKIT_0";
  const present = `-P OUTPUT ACCEPT\n-N SHIMKIT_0\n${jump}\n-A OUTPUT -j SHIMKIT_01\n`;
  const script = installScript("SHIMKIT_0", [HOLD], present, { linked: true });
  assert.match(script, /^\*mangle\n:SHIMKIT_0 - .*\n-D OUTPUT -p tcp -j SHIMKIT_0\n-A SHIMKIT_0 /);
  assert.doesNotMatch(script, /SHIMKIT_01/);
  assert.equal(
    uninstallScript("SHIMKIT_0", present),
    "*mangle\n-D OUTPUT -p tcp -j SHIMKIT_0\n-F SHIMKIT_0\n-X SHIMKIT_0\nCOMMIT\n",
  );
  assert.equal(uninstallScript("SHIMKIT_0", "-P OUTPUT ACCEPT\n"), undefined);
});

Deno.test("the redirect front passes over the shim's own connections before any selection", () => {
  const plan = planOf({ front: "redirect", selections: [selection(true, "0.0.0.0/0")] });
  const script = nftScript("shimkit_0", "owner", 0, plan);
  const own = script.indexOf("meta mark and 0xffffff00 == 0x53484b00 return");
  assert.ok(
    own > 0 && own < script.indexOf("meta nfproto ipv4 meta l4proto tcp redirect to :9999"),
  );
});

Deno.test("each shim and each kind has a mark of its own", () => {
  const kinds = Object.values(MarkKind);
  const marks = [0, 1, 15].flatMap((shim) => kinds.map((kind) => firewallMark(shim, kind)));
  assert.equal(new Set(marks).size, marks.length);
  for (const instance of [-1, 16, 0.5]) {
    assert.throws(() => firewallMark(instance, MarkKind.Own), RangeError);
  }
});

Deno.test("every errno has an answer, but for the one that is silence", () => {
  assert.equal(refusalKind(ECONNREFUSED, 4), MarkKind.Refuse);
  assert.equal(refusalKind(EIO, 6), MarkKind.Refuse);
  assert.equal(refusalKind(ENETUNREACH, 6), MarkKind.NetUnreachable);
  assert.equal(refusalKind(ENOPROTOOPT, 4), MarkKind.NoProtocol);
  assert.equal(refusalKind(ENOPROTOOPT, 6), MarkKind.Refuse, "IPv6 has no such answer");
  assert.equal(refusalKind(ETIMEDOUT, 4), undefined);
});

Deno.test(needs(["linux"], "an owner is read back from its comment", () => {
  const owner = thisProcess({ made: "46", accept: "" });
  assert.deepEqual(parseOwner(`return comment "${formatOwner(owner)}"`), owner);
  assert.equal(parseOwner('return comment "somebody else"'), undefined);
}));
