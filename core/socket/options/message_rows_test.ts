/** Options about messages, in both styles. */
import assert from "node:assert/strict";
import { bytes, inBothStyles, text, until } from "../testing/styles.ts";

/** A reader that does not read stops its peer after this. */
const SMALL = { receiveBuffer: 4096, noDelay: 1 };
const FILLING = new Uint8Array(4000);

inBothStyles("SCTP_DEFAULT_SNDINFO: it is for messages that are sent without", async (ends) => {
  const { client, server } = ends;
  assert.deepEqual(client.getOption("SCTP_DEFAULT_SNDINFO"), {
    sid: 2,
    flags: [],
    ppid: 0,
    context: 0,
  });
  client.setOption("SCTP_DEFAULT_SNDINFO", { ppid: 9, flags: ["SCTP_UNORDERED"] });
  await client.send(bytes("plain"));
  await client.send(bytes("own"), { stream: 1, ppid: 3, unordered: false });
  await client.sendv(bytes("vector"), { sndinfo: { sid: 4 } });
  const messages = [await server.receive(), await server.receive(), await server.receive()];
  assert.deepEqual(
    messages.map((message) => [message?.stream, message?.ppid, message?.unordered]),
    [[2, 9, true], [1, 3, false], [4, 9, true]],
  );
}, { clientOptions: { SCTP_DEFAULT_SNDINFO: { sid: 2 } } });

inBothStyles(
  "SCTP_DEFAULT_PRINFO: messages without a policy of their own have it",
  async (ends) => {
    const { client, server } = ends;
    assert.deepEqual(client.getOption("SCTP_DEFAULT_PRINFO"), { policy: "ttl", value: 50 });
    await client.send(FILLING, { prinfo: { policy: "none" } });
    await client.send(new Uint8Array(1000));
    await until(() => client.getOption("SCTP_PR_ASSOC_STATUS", { policy: "ttl" }).unsent === 1);
    client.setOption("SCTP_DEFAULT_PRINFO", { policy: "none" });
    await client.send(new Uint8Array(900));
    assert.equal((await server.receive())?.data.length, FILLING.length);
    assert.equal((await server.receive())?.data.length, 900);
    assert.throws(
      () => client.setOption("SCTP_DEFAULT_PRINFO", { policy: "ttl" }),
      /a lifetime takes a whole number from 1/,
    );
  },
  {
    parameters: SMALL,
    clientOptions: { SCTP_DEFAULT_PRINFO: { policy: "ttl", value: 50 } },
  },
);

inBothStyles("SCTP_CONTEXT: it comes with each message of the peer", async ({ client, server }) => {
  server.setOption("SCTP_RECVRCVINFO", true);
  server.setOption("SCTP_CONTEXT", 77);
  assert.equal(server.getOption("SCTP_CONTEXT"), 77);
  await client.send(bytes("x"));
  const received = await server.recvv();
  assert.equal(received?.kind === "data" && received.rcvinfo?.context, 77);
});

inBothStyles("SCTP_DISABLE_FRAGMENTS: what does not fit a packet is refused", async (ends) => {
  const { client, server } = ends;
  client.setOption("SCTP_DISABLE_FRAGMENTS", true);
  assert.equal(client.getOption("SCTP_DISABLE_FRAGMENTS"), true);
  const { fragmentationPoint } = client.getOption("SCTP_STATUS");
  await assert.rejects(client.send(new Uint8Array(fragmentationPoint + 1)), {
    code: "ERR_SCTP_MESSAGE_TOO_LONG",
  });
  await client.send(new Uint8Array(fragmentationPoint));
  assert.equal((await server.receive())?.data.length, fragmentationPoint);
});

inBothStyles("SCTP_MAXSEG: messages are cut into pieces of so many bytes", async (ends) => {
  const { client, server } = ends;
  const chunks = () => client.control.info.metrics.dataChunksSent;
  assert.equal(client.getOption("SCTP_MAXSEG"), 500);
  await client.send(new Uint8Array(2000));
  await server.receive();
  const inPieces = chunks();
  assert.ok(inPieces >= 4, "no chunk has more than 500 of 2,000 bytes");
  client.setOption("SCTP_MAXSEG", 0);
  assert.equal(client.getOption("SCTP_MAXSEG"), 0);
  await client.send(new Uint8Array(2000));
  assert.equal((await server.receive())?.data.length, 2000);
  assert.equal(chunks() - inPieces, 2);
}, { clientOptions: { SCTP_MAXSEG: 500 } });

inBothStyles(
  "SCTP_EXPLICIT_EOR: a message comes in parts and ends where its sender says",
  async (ends) => {
    const { client, server } = ends;
    client.setOption("SCTP_EXPLICIT_EOR", true);
    assert.equal(client.getOption("SCTP_EXPLICIT_EOR"), true);
    const on = (sid: number, ...flags: "SCTP_EOR"[]) => ({ sndinfo: { sid, flags } });
    await client.sendv(bytes("one, "), on(1));
    await client.sendv(bytes("other"), on(2, "SCTP_EOR"));
    await client.sendv(bytes("two, "), on(1));
    await client.sendv(bytes("three"), on(1, "SCTP_EOR"));
    assert.equal(text((await server.receive())?.data), "other");
    assert.equal(text((await server.receive())?.data), "one, two, three");
    client.setOption("SO_SNDBUF", 5000);
    await client.sendv(new Uint8Array(4000), on(1));
    await assert.rejects(client.sendv(new Uint8Array(2000), on(1)), {
      code: "ERR_SCTP_MESSAGE_TOO_LONG",
    });
  },
);

inBothStyles(
  "SCTP_EXPLICIT_EOR: an association does not end in the midst of a message",
  async (ends) => {
    const { client, server } = ends;
    client.setOption("SCTP_EXPLICIT_EOR", true);
    await client.sendv(bytes("one, "), { sndinfo: { sid: 1 } });
    const unfinished = { code: "ERR_SCTP_OPTION_STATE", message: /stream 1 has begun/ };
    await assert.rejects(client.close(), unfinished);
    await assert.rejects(
      client.sendv([], { sndinfo: { sid: 2, flags: ["SCTP_EOF"] } }),
      unfinished,
    );
    const closed = server.told("closed");
    await client.sendv(bytes("two"), { sndinfo: { sid: 1, flags: ["SCTP_EOF"] } });
    assert.equal(text((await server.receive())?.data), "one, two");
    assert.ok((await closed).end.graceful);
  },
);

inBothStyles(
  "SCTP_FRAGMENT_INTERLEAVE: level 2 needs RCVINFO, and stays with interleaving",
  (ends) => {
    const { client } = ends;
    const name = "SCTP_FRAGMENT_INTERLEAVE";
    assert.throws(() => client.setOption(name, 2), /needs SCTP_RECVRCVINFO/);
    client.setOption("SCTP_RECVRCVINFO", true);
    client.setOption(name, 2);
    assert.equal(client.getOption(name), 2);
    assert.throws(() => client.setOption(name, 3), RangeError);
    client.setOption(name, 0);
    assert.equal(client.getOption(name), 0);
    return Promise.resolve();
  },
);

inBothStyles(
  "SCTP_FRAGMENT_INTERLEAVE: at level 2 parts of several streams come in turn",
  async (ends) => {
    const { client, server } = ends;
    assert.throws(() => server.setOption("SCTP_FRAGMENT_INTERLEAVE", 1), {
      code: "ERR_SCTP_OPTION_STATE",
    });
    const sent = [1, 2].map((stream) =>
      client.send(new Uint8Array(100_000).fill(stream), { stream })
    );
    const seen: number[] = [];
    const ends_: number[] = [];
    while (ends_.length < 2) {
      const part = await server.recvv(new Uint8Array(20_000));
      assert.ok(part?.kind === "data" && part.rcvinfo);
      const { sid } = part.rcvinfo;
      assert.ok(part.data.every((byte) => byte === sid));
      seen.push(sid);
      if (part.endOfRecord) ends_.push(sid);
    }
    await Promise.all(sent);
    assert.ok(seen.indexOf(2) < seen.lastIndexOf(1), `not one after the other: ${seen}`);
  },
  {
    parameters: { partialDeliveryPoint: 4000, noDelay: 1 },
    clientOptions: interleaving("rr"),
    serverOptions: interleaving("rr"),
  },
);

function interleaving(scheduler: "rr") {
  return {
    SCTP_RECVRCVINFO: true,
    SCTP_FRAGMENT_INTERLEAVE: 2,
    SCTP_INTERLEAVING_SUPPORTED: true,
    SCTP_STREAM_SCHEDULER: scheduler,
  };
}

inBothStyles(
  "SCTP_RECVRCVINFO: each message is described, if wanted",
  async ({ client, server }) => {
    await client.send(bytes("bare"));
    const bare = await server.recvv();
    assert.ok(bare?.kind === "data" && bare.rcvinfo === undefined);
    server.setOption("SCTP_RECVRCVINFO", true);
    await client.send(bytes("told"), { stream: 5, ppid: 8, unordered: true });
    await client.send(bytes("next"), { stream: 5, ppid: 8 });
    const [told, next] = [await server.recvv(), await server.recvv()];
    assert.ok(told?.kind === "data" && told.rcvinfo && next?.kind === "data" && next.rcvinfo);
    const { sid, ppid, flags, association, tsn, cumtsn } = told.rcvinfo;
    assert.deepEqual([sid, ppid, flags, association], [5, 8, ["SCTP_UNORDERED"], server.id]);
    assert.deepEqual([next.rcvinfo.flags, next.rcvinfo.ssn], [[], 0]);
    assert.equal((next.rcvinfo.tsn - tsn) >>> 0, 1);
    assert.ok(((cumtsn - tsn) | 0) >= 0);
    assert.deepEqual(told.from.hostname, "127.0.0.1");
  },
);

inBothStyles(
  "SCTP_RECVNXTINFO: what comes next is told, if it is there",
  async ({ client, server }) => {
    server.setOption("SCTP_RECVNXTINFO", true);
    await client.send(bytes("first"));
    await client.send(bytes("second"), { stream: 3, ppid: 6, unordered: true });
    await until(() => server.control.info.readableBytes === 11);
    const [first, second] = [await server.recvv(), await server.recvv()];
    assert.deepEqual(first?.nxtinfo, {
      sid: 3,
      flags: ["SCTP_UNORDERED", "SCTP_COMPLETE"],
      ppid: 6,
      length: 6,
      association: server.id,
    });
    assert.ok(second && second.nxtinfo === undefined);
  },
);

inBothStyles("SO_LINGER: with 0 seconds closing aborts", async ({ client, server }) => {
  assert.deepEqual(client.getOption("SO_LINGER"), { on: false, seconds: 0 });
  client.setOption("SO_LINGER", { on: true, seconds: 0 });
  assert.deepEqual(client.getOption("SO_LINGER"), { on: true, seconds: 0 });
  const closed = server.told("closed");
  await client.close();
  const { end } = await closed;
  assert.ok(!end.graceful && end.error.code === "ERR_SCTP_ABORTED_BY_PEER");
});

inBothStyles("SO_LINGER: closing waits no longer for a reader that does not read", async (ends) => {
  const { client, server } = ends;
  client.setOption("SO_LINGER", { on: true, seconds: 1 });
  await client.send(new Uint8Array(9000));
  await client.close();
  assert.equal(client.control.info.state, "SHUTDOWN-PENDING");
  assert.equal((await server.receive())?.data.length, 9000, "and it goes on behind that");
}, { parameters: SMALL });
