/** sendv and recvv (RFC 6458, sections 5.3, 9.12 and 9.13), in both styles. */
import assert from "node:assert/strict";
import { PORT, StackPair } from "./testing/pair.ts";
import { bytes, type End, inBothStyles, text, until } from "./testing/styles.ts";

const [ONE, TWO] = ["127.0.0.1", "127.0.0.2"];
const TWO_PATHS = { client: [ONE, TWO], server: [ONE, TWO] };
const SHARED = {
  SCTP_AUTH_KEY: { id: 5, secret: bytes("shared") },
  SCTP_AUTH_ACTIVE_KEY: 5,
  SCTP_AUTH_CHUNK: 0,
};

/** Bytes that an end has sent to an address of its peer. */
function sentTo({ control }: End, remote: string): number {
  return control.paths.filter((path) => path.remote === remote)
    .reduce((sum, { metrics }) => sum + metrics.bytesSent, 0);
}

inBothStyles("SCTP_SNDINFO: stream, flags and payload protocol go along", async (ends) => {
  const { client, server } = ends;
  const flags = ["SCTP_UNORDERED", "SCTP_SACK_IMMEDIATELY"] as const;
  const before = server.control.info.metrics.sacksSent;
  await client.sendv([bytes("in "), bytes("pieces")], { sndinfo: { sid: 4, ppid: 11, flags } });
  const message = await server.receive();
  assert.deepEqual(
    [text(message?.data), message?.stream, message?.ppid, message?.unordered],
    ["in pieces", 4, 11, true],
  );
  await until(() => server.control.info.metrics.sacksSent > before);
  const nonsense = { sndinfo: { flags: ["SCTP_NONSENSE" as "SCTP_EOR"] } };
  await assert.rejects(client.sendv(bytes("x"), nonsense), /SCTP_NONSENSE is no flag of a message/);
  await assert.rejects(client.sendv(bytes("x"), { sndinfo: { sid: 999 } }), /stream 999/);
});

inBothStyles("SCTP_EOF: the association ends after the message, gracefully", async (ends) => {
  const { client, server } = ends;
  const closed = server.told("closed");
  await client.sendv(bytes("last words"), { sndinfo: { flags: ["SCTP_EOF"] } });
  assert.equal(text((await server.receive())?.data), "last words");
  assert.ok((await closed).end.graceful);
  await assert.rejects(client.sendv(bytes("too late")));
});

inBothStyles("SCTP_EOF: without a message too", async ({ client, server }) => {
  const closed = server.told("closed");
  await client.sendv([], { sndinfo: { flags: ["SCTP_EOF"] } });
  assert.ok((await closed).end.graceful);
});

inBothStyles("SCTP_ABORT: the association ends at once, and the peer is told why", async (ends) => {
  const { client, server } = ends;
  const closed = server.told("closed");
  await client.sendv(bytes("had enough"), { sndinfo: { flags: ["SCTP_ABORT"] } });
  const { end } = await closed;
  assert.ok(!end.graceful && end.error.code === "ERR_SCTP_ABORTED_BY_PEER");
  assert.match(end.error.message, /had enough/);
});

inBothStyles(
  "SCTP_ADDR_OVER, SCTP_DSTADDR: a message goes to the address that is given",
  async (ends) => {
    const { client, server } = ends;
    await until(() => client.control.paths.every(({ status }) => status === "active"));
    await until(() => client.control.info.bufferedBytes === 0);
    const [one, two] = [sentTo(client, ONE), sentTo(client, TWO)];
    const over = { sndinfo: { flags: ["SCTP_ADDR_OVER"] }, dstaddr: TWO } as const;
    await client.sendv(new Uint8Array(10_000), over);
    assert.equal((await server.receive())?.data.length, 10_000);
    assert.ok(sentTo(client, TWO) - two >= 10_000);
    assert.ok(sentTo(client, ONE) - one < 2000);
    await client.send(new Uint8Array(10_000));
    assert.equal((await server.receive())?.data.length, 10_000);
    assert.ok(sentTo(client, ONE) - one >= 10_000, "the others still go to the primary address");
    await assert.rejects(client.sendv(bytes("x"), { dstaddr: TWO }), /go together/);
    await assert.rejects(
      client.sendv(bytes("x"), { ...over, dstaddr: "127.0.0.9" }),
      /no path to 127.0.0.9/,
    );
  },
  TWO_PATHS,
);

inBothStyles(
  "SCTP_ADDR_OVER: messages that take turns between addresses all arrive in order",
  async (ends) => {
    const { client, server } = ends;
    await until(() => client.control.paths.every(({ status }) => status === "active"));
    const sent = Array.from({ length: 40 }, (_, i) => {
      const dstaddr = i % 2 === 0 ? ONE : TWO;
      return client.sendv(Uint8Array.of(i), { sndinfo: { flags: ["SCTP_ADDR_OVER"] }, dstaddr });
    });
    for (let i = 0; i < 40; i++) assert.deepEqual((await server.receive())?.data, Uint8Array.of(i));
    await Promise.all(sent);
  },
  TWO_PATHS,
);

inBothStyles(
  "SCTP_AUTHINFO: each message is authenticated with its key, in packets of its own",
  async (ends) => {
    const { client, server } = ends;
    for (const end of [client, server]) {
      end.setOption("SCTP_AUTH_KEY", { id: 6, secret: bytes("another") });
    }
    const used = server.told("authentication");
    const keys = [6, 5, 6, 5, 6, 5];
    const sent = keys.map((keyNumber, i) =>
      client.sendv(Uint8Array.of(i), { authinfo: { keyNumber } })
    );
    for (let i = 0; i < keys.length; i++) {
      assert.deepEqual((await server.receive())?.data, Uint8Array.of(i));
    }
    await Promise.all(sent);
    const event = await used;
    assert.ok(event.indication === "new-key" && event.key === 6);
    assert.equal(client.getOption("SCTP_AUTH_ACTIVE_KEY"), 5, "the active key is another matter");
    await assert.rejects(
      client.sendv(bytes("x"), { authinfo: { keyNumber: 9 } }),
      /no shared key 9; there are: 5,0,6/,
    );
  },
  { clientOptions: SHARED, serverOptions: SHARED, parameters: { noDelay: 1 } },
);

inBothStyles("SCTP_PRINFO: a message is given up as it says", async ({ client, server }) => {
  await client.send(new Uint8Array(4000));
  await client.sendv(new Uint8Array(1000), { prinfo: { policy: "ttl", value: 20 } });
  await until(() => client.getOption("SCTP_PR_ASSOC_STATUS", { policy: "ttl" }).unsent === 1);
  await client.sendv(bytes("kept"), { prinfo: { policy: "none" } });
  assert.equal((await server.receive())?.data.length, 4000);
  assert.equal(text((await server.receive())?.data), "kept");
}, { parameters: { receiveBuffer: 4096, noDelay: 1 } });

inBothStyles(
  "recvv: a small target gets a message in parts, and their end is marked",
  async (ends) => {
    const { client, server } = ends;
    server.setOption("SCTP_RECVRCVINFO", true);
    await client.send(bytes("0123456789"), { ppid: 5 });
    await client.send(bytes("next"), { ppid: 6 });
    const parts: [string, boolean, number | undefined][] = [];
    for (let i = 0; i < 4; i++) {
      const part = await server.recvv(new Uint8Array(4));
      assert.ok(part?.kind === "data");
      parts.push([text(part.data), part.endOfRecord, part.rcvinfo?.ppid]);
    }
    assert.deepEqual(parts, [["0123", false, 5], ["4567", false, 5], ["89", true, 5], [
      "next",
      true,
      6,
    ]]);
  },
);

Deno.test("SCTP_SENDALL: a message goes to every association", async () => {
  await using pair = new StackPair();
  const server = pair.server.openSocket({ port: PORT });
  const others = [1, 2, 3].map((i) => pair.client.openSocket({ port: 4000 + i }));
  for (const other of others) await other.send(bytes("hello"), { to: pair.target });
  for (let i = 0; i < 3; i++) await server.receive();
  await server.sendv(bytes("to all"), { sndinfo: { flags: ["SCTP_SENDALL"] } });
  for (const other of others) assert.equal(text((await other.receive())?.data), "to all");
});

Deno.test("sendv sets up an association if need be, and tells its number", async () => {
  await using pair = new StackPair();
  const server = pair.server.openSocket({ port: PORT });
  const client = pair.client.openSocket({ port: 4000 });
  const id = await client.sendv(bytes("hello"), { to: pair.target, sndinfo: { sid: 1 } });
  assert.deepEqual([...client.associations.keys()], [id]);
  assert.equal((await server.receive())?.stream, 1);
  await assert.rejects(client.sendv(bytes("x"), {}), TypeError);
});

/** Two peers whose long messages are under way at once, to a socket that takes parts. */
async function readParts(level: 0 | 1): Promise<number[]> {
  const parameters = { partialDeliveryPoint: 4000, receiveBuffer: 16_384, noDelay: 1 };
  await using pair = new StackPair({ parameters });
  const options = { SCTP_FRAGMENT_INTERLEAVE: level };
  const server = pair.server.openSocket({ port: PORT, options });
  const others = [1, 2].map((i) => pair.client.openSocket({ port: 4000 + i }));
  const sent = others.map((other) => other.send(new Uint8Array(60_000), { to: pair.target }));
  await Promise.all(sent);
  await until(() => {
    const infos = [...server.associations.values()];
    return infos.length === 2 && infos.every(({ readableBytes }) => readableBytes > 4000);
  });
  const seen: number[] = [];
  for (let ended = 0; ended < 2;) {
    const part = await server.recvv(new Uint8Array(1000));
    assert.ok(part?.kind === "data");
    seen.push(part.association);
    if (part.endOfRecord) ended++;
  }
  return seen;
}

Deno.test("SCTP_FRAGMENT_INTERLEAVE: at level 0 nothing of others comes between the parts of a message", async () => {
  const seen = await readParts(0);
  assert.equal(seen.filter((id, i) => i > 0 && id !== seen[i - 1]).length, 1);
});

Deno.test("SCTP_FRAGMENT_INTERLEAVE: at level 1 associations take turns", async () => {
  const seen = await readParts(1);
  assert.ok(seen.filter((id, i) => i > 0 && id !== seen[i - 1]).length > 1);
});
