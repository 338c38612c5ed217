/** A process that makes rules and does not remove them: it ends, or with the argument `stay` stays. */
import { DatagramRules } from "../datagram_rules.ts";
import { KernelRules } from "../kernel_rules.ts";
import { TransparentRouting } from "../transparent.ts";
import { planOf, selection } from "./held_syns.ts";

const [what] = Deno.args;
if (what === "source") new TransparentRouting().install();
else if (what === "datagrams") {
  new DatagramRules().apply({ queue: 8, remote: [selection(true)], local: [], ownPorts: [] });
} else new KernelRules().apply(planOf({ selections: [selection(true)] }));
if (what === "stay") {
  console.log("ready");
  await new Promise(() => setInterval(() => {}, 60_000));
}
