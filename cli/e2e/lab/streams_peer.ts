/**
 * Messages on several streams over raw IP:
 * `streams_peer.ts HOW send ADDRESS PORT FILE SIZE STREAMS POLICY VALUE` sends a file in messages on
 * streams that take turns, which may be given up, and says how many were; POLICY may be "none".
 * `streams_peer.ts HOW receive PORT FILE` writes what arrives on stream N to FILE.N.
 * HOW is "interleaved" (RFC 8260), which the peer must agree to, or "plain".
 */
import { ABANDON_POLICIES } from "../../../core/sctp/tx/partial_reliability.ts";
import type { PrInfo } from "../../../core/socket/reliability.ts";
import { SctpStack } from "../../../core/socket/stack.ts";

const [how, role, ...words] = Deno.args;
const interleaves = how === "interleaved";
await using stack = SctpStack.open({
  transport: "raw",
  parameters: {
    interleaving: Number(interleaves),
    fragmentInterleave: 2,
    rtoInitial: 300,
    rtoMin: 200,
  },
});
await (role === "send" ? send(words) : receive(words));

function prinfoOf(policy: string, value: number): PrInfo {
  const known = ABANDON_POLICIES.find((one) => one === policy);
  return known ? { policy: known, value } : { policy: "none" };
}

async function send([address, port, file, size, streams, policy, value]: string[]): Promise<void> {
  const content = await Deno.readFile(file);
  const connection = await stack.connect({ addresses: address, port: Number(port) });
  if (connection.streams.interleaved !== interleaves) throw new Error(`the peer is not ${how}`);
  connection.streams.scheduler = "rr";
  connection.reliability.default = prinfoOf(policy, Number(value));
  for (let at = 0, n = 0; at < content.length; at += Number(size), n++) {
    const stream = n % Number(streams);
    await connection.send(content.subarray(at, at + Number(size)), { stream });
  }
  await connection.close();
  const { unsent, sent } = connection.reliability.abandoned();
  console.log(`abandoned ${unsent} ${sent}`);
}

async function receive([port, file]: string[]): Promise<void> {
  const listener = stack.listen({ port: Number(port) });
  console.log("listening");
  const connection = await listener.accept();
  if (connection.streams.interleaved !== interleaves) throw new Error(`the peer is not ${how}`);
  const files = new Map<number, Deno.FsFile>();
  for await (const { stream, data } of connection.messages()) {
    const output = files.get(stream) ?? await Deno.create(`${file}.${stream}`);
    files.set(stream, output);
    for (let at = 0; at < data.length;) at += await output.write(data.subarray(at));
  }
  for (const output of files.values()) output.close();
}
