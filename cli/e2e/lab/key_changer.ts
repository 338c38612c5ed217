/**
 * Sends a file over raw IP under the first of two shared keys, and its second half under the other:
 * `key_changer.ts ADDRESS PORT FILE ID:HEX ID:HEX`. Prints what it is told about keys.
 */
import { LISTABLE_CHUNKS } from "../../../core/sctp/wire/auth_parameters.ts";
import { SctpStack } from "../../../core/socket/stack.ts";

/** Bytes of a message. */
const PIECE = 16_384;

function keyOf(word: string): { id: number; secret: Uint8Array } {
  const [id, hex] = word.split(":");
  const secret = Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
  return { id: Number(id), secret };
}

const [address, port, file, ...words] = Deno.args;
const [first, second] = words.map(keyOf);
const content = await Deno.readFile(file);
await using stack = SctpStack.open({
  transport: "raw",
  authentication: { keys: [first], chunks: LISTABLE_CHUNKS },
});
const connection = await stack.connect({ addresses: address, port: Number(port) });
const isFree = Promise.withResolvers<void>();
void (async () => {
  for await (const event of connection.events) {
    if (event.kind !== "authentication") continue;
    console.log("key" in event ? `${event.indication} ${event.key}` : event.indication);
    if (event.indication === "free-key") isFree.resolve();
  }
})();

async function send(start: number, end: number): Promise<void> {
  for (let at = start; at < end; at += PIECE) {
    await connection.send(content.subarray(at, Math.min(at + PIECE, end)));
  }
}

const half = content.length >> 1;
await send(0, half);
connection.keys.set(second.id, second.secret);
connection.keys.activate(second.id);
connection.keys.deactivate(first.id);
await send(half, content.length);
await isFree.promise;
await connection.close();
