/**
 * An echo server in the one-to-one style, which feels like TCP: a connection for each peer.
 *
 *     deno run -A docs/examples/one_to_one.ts
 *     deno task shimkit sctp connect 127.0.0.1:7
 */
import { type SctpConnection, SctpStack } from "../../mod.ts";

const [udpPort = "9899"] = Deno.args;
await using stack = SctpStack.open({ transport: "udp", udpPort: Number(udpPort) });
for await (const connection of stack.listen({ port: 7 })) echo(connection).catch(console.error);

async function echo(connection: SctpConnection): Promise<void> {
  await using peer = connection;
  for await (const { data, ...options } of peer.messages()) await peer.send(data, options);
}
