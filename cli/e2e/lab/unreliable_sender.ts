/**
 * Sends a file over raw IP, in messages that may be given up:
 * `unreliable_sender.ts ADDRESS PORT FILE SIZE POLICY VALUE`. Prints how many were.
 */
import { SctpStack } from "../../../core/socket/stack.ts";
import { ABANDON_POLICIES } from "../../../core/sctp/tx/partial_reliability.ts";

const [address, port, file, size, name, value] = Deno.args;
const policy = ABANDON_POLICIES.find((one) => one === name);
if (!policy) throw new Error(`there is no policy ${name}`);
const content = await Deno.readFile(file);
await using stack = SctpStack.open({
  transport: "raw",
  parameters: { rtoInitial: 300, rtoMin: 200 },
});
const connection = await stack.connect({ addresses: address, port: Number(port) });
const { reliability } = connection;
if (!reliability.isSupported) throw new Error("the peer has no partial reliability");
reliability.default = { policy, value: Number(value) };
reliability.reportsFailures = true;
let failures = 0;
const listening = (async () => {
  for await (const { kind } of connection.events) failures += Number(kind === "send-failed");
})();
for (let at = 0; at < content.length; at += Number(size)) {
  await connection.send(content.subarray(at, at + Number(size)));
}
await connection.close();
await listening;
const { unsent, sent } = reliability.abandoned(policy);
console.log(`abandoned ${unsent} ${sent}, told ${failures}`);
