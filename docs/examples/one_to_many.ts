/**
 * The same echo server in the one-to-many style: it sends and receives, and keeps no state of its peers.
 * Those that have been silent for 20 seconds are closed. It sends one message after the other, so
 * that a peer that does not read cannot fill its memory; one that holds up others is to be peeled off.
 *
 *     deno run -A docs/examples/one_to_many.ts
 *     deno task shimkit sctp connect 127.0.0.1:7
 */
import { SctpStack } from "../../mod.ts";

const [udpPort = "9899"] = Deno.args;
await using stack = SctpStack.open({ transport: "udp", udpPort: Number(udpPort) });
const socket = stack.openSocket({ port: 7, autoClose: 20 });
for await (const { data, ...from } of socket) await socket.send(data, from).catch(console.error);
