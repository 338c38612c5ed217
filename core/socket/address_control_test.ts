import assert from "node:assert/strict";
import { SctpError, type SctpErrorCode } from "./errors.ts";
import { StackPair } from "./testing/pair.ts";
import { told } from "./testing/told.ts";

const FIRST = "127.0.0.1";
const SECOND = "127.0.0.2";
const OPTIONS = { client: [FIRST, SECOND] } as const;

function withCode(code: SctpErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof SctpError && error.code === code;
}

/** An association of which the client uses but the first of its two addresses. */
async function associateByFirst(pair: StackPair) {
  const [first] = pair.client.localAddresses;
  return await pair.associate({ localAddresses: [first] });
}

Deno.test("SCTP_BINDX_ADD_ADDR: an address joins, and both sides are told (PEER_ADDR_CHANGE)", async () => {
  await using pair = new StackPair(OPTIONS);
  const { client, server } = await associateByFirst(pair);
  const atServer = told(server, "peer-address");
  const { address, change } = await told(
    client,
    "local-address",
    () => client.addresses.add(SECOND),
  );
  assert.deepEqual([address, change], [SECOND, "added"]);
  const { address: seen, change: what } = await atServer;
  assert.deepEqual([seen, what], [SECOND, "added"]);
  assert.deepEqual(client.addresses.local, [FIRST, SECOND]);
  assert.deepEqual([...server.addresses.peer].sort(), [FIRST, SECOND]);
});

Deno.test("SCTP_BINDX_REM_ADDR: an address leaves, and messages go on", async () => {
  await using pair = new StackPair(OPTIONS);
  const { client, server } = await pair.associate();
  const atServer = told(server, "peer-address");
  await told(client, "local-address", () => client.addresses.remove(FIRST));
  const { address, change } = await atServer;
  assert.deepEqual([address, change], [FIRST, "removed"]);
  assert.deepEqual([client.addresses.local, server.addresses.peer], [[SECOND], [SECOND]]);
  await Promise.all([client.send(Uint8Array.of(1)), server.send(Uint8Array.of(2))]);
  assert.deepEqual((await server.receive())?.data, Uint8Array.of(1));
  assert.deepEqual((await client.receive())?.data, Uint8Array.of(2));
});

Deno.test("SCTP_SET_PEER_PRIMARY_ADDR: the peer prefers the address (SCTP_ADDR_MADE_PRIM)", async () => {
  await using pair = new StackPair(OPTIONS);
  const { client, server } = await pair.associate();
  const atServer = told(server, "peer-address");
  await told(client, "local-address", () => client.addresses.setPeerPrimary(SECOND));
  const { address, change } = await atServer;
  assert.deepEqual([address, change], [SECOND, "made-primary"]);
  assert.ok(server.paths.find(({ remote }) => remote === SECOND)?.primary);
});

Deno.test("a peer that refuses says why", async () => {
  await using pair = new StackPair({ ...OPTIONS, parameters: { acceptAddressChanges: 0 } });
  const { client } = await associateByFirst(pair);
  const refused = await told(client, "local-address", () => client.addresses.add(SECOND));
  assert.deepEqual([refused.address, refused.change], [SECOND, "refused"]);
  assert.match(refused.reason ?? "", /No Authorization/);
});

Deno.test("what cannot be asked for says why", async () => {
  await using pair = new StackPair(OPTIONS);
  const { client } = await pair.associate();
  assert.throws(
    () => client.addresses.add("192.0.2.1"),
    /cannot add 192.0.2.1: this stack has 127.0.0.1, 127.0.0.2/,
  );
  assert.throws(() => client.addresses.add("host"), TypeError);
  assert.throws(() => client.addresses.add(SECOND), /127.0.0.2 is an address of association/);
  assert.throws(() => client.addresses.remove("192.0.2.1"), RangeError);
  await using without = new StackPair({ ...OPTIONS, parameters: { addressReconfiguration: 0 } });
  const { client: other } = await without.associate();
  const isNotSupported = withCode("ERR_SCTP_NOT_SUPPORTED_BY_PEER");
  assert.throws(() => other.addresses.remove(SECOND), isNotSupported);
});

Deno.test("SCTP_ADAPTATION_LAYER: both sides know what the other one is", async () => {
  await using pair = new StackPair();
  const listener = pair.server.listen({ port: 7, adaptationIndication: 0x5e });
  const accepted = listener.accept();
  const client = await pair.client.connect({ ...pair.target, adaptationIndication: 0xc1 });
  const server = await accepted;
  assert.deepEqual(
    [client.peerAdaptationIndication, server.peerAdaptationIndication],
    [0x5e, 0xc1],
  );
});
