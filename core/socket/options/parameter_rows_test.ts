/** Options that are views of protocol parameters, in both styles, and what they do. */
import assert from "node:assert/strict";
import { bytes, inBothStyles, text, until } from "../testing/styles.ts";

/** What a reader that does not read stops after. */
const SMALL = { receiveBuffer: 8192, noDelay: 1, sackDelay: 10 };

inBothStyles(
  "SCTP_RTOINFO: the bounds hold for each path from then on",
  async ({ client, server }) => {
    assert.deepEqual(client.getOption("SCTP_RTOINFO"), { initial: 1000, max: 60_000, min: 1000 });
    await client.send(bytes("x"));
    await server.receive();
    client.setOption("SCTP_RTOINFO", { min: 2000, max: 0 });
    assert.deepEqual(client.getOption("SCTP_RTOINFO"), { initial: 1000, max: 60_000, min: 2000 });
    assert.equal(client.control.paths[0].rto, 2000);
    assert.throws(
      () => client.setOption("SCTP_RTOINFO", { max: 1500 }),
      /rtoMin \(2000 ms\) must not be above rtoMax \(1500 ms\)/,
    );
    assert.equal(client.getOption("SCTP_RTOINFO").max, 60_000, "nothing has changed");
  },
);

inBothStyles(
  "SCTP_NODELAY: small messages do not wait for each other",
  async ({ client, server }) => {
    const metrics = () => client.control.info.metrics;
    assert.equal(client.getOption("SCTP_NODELAY"), false);
    client.setOption("SCTP_NODELAY", true);
    assert.equal(client.getOption("SCTP_NODELAY"), true);
    // The first chunk of an association is acknowledged at once.
    await client.send(bytes("first"));
    await until(() => client.control.info.bufferedBytes === 0);
    const before = metrics();
    for (const each of ["one", "two"]) {
      await client.send(bytes(each));
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    await until(() => metrics().dataChunksSent === before.dataChunksSent + 2);
    assert.equal(
      metrics().sacksReceived,
      before.sacksReceived,
      "nothing was acknowledged meanwhile",
    );
    for (const each of ["first", "one", "two"]) {
      assert.equal(
        text((await server.receive())?.data),
        each,
      );
    }
  },
  { parameters: { sackDelay: 500, sackFrequency: 64 } },
);

inBothStyles("SO_RCVBUF: more can be received and not be read", async ({ client, server }) => {
  assert.equal(server.getOption("SO_RCVBUF"), SMALL.receiveBuffer);
  const sent = [1, 2, 3].map(() => client.send(new Uint8Array(8000)));
  await until(() => server.control.info.readableBytes >= 8000);
  server.setOption("SO_RCVBUF", 1 << 20);
  assert.equal(server.getOption("SO_RCVBUF"), 1 << 20);
  await until(() => server.control.info.readableBytes === 24_000);
  await Promise.all(sent);
}, { parameters: SMALL });

inBothStyles("SO_SNDBUF: it bounds the longest message", async ({ client, server }) => {
  client.setOption("SO_SNDBUF", 5000);
  assert.equal(client.getOption("SO_SNDBUF"), 5000);
  await assert.rejects(client.send(new Uint8Array(5001)), /sendBuffer is 5000/);
  await client.send(new Uint8Array(5000));
  assert.equal((await server.receive())?.data.length, 5000);
  assert.throws(() => client.setOption("SO_SNDBUF", 1), RangeError);
});

inBothStyles(
  "SCTP_DELAYED_SACK: with a frequency of 1 every packet is acknowledged",
  async (ends) => {
    const { client, server } = ends;
    assert.deepEqual(server.getOption("SCTP_DELAYED_SACK"), { delay: 500, frequency: 2 });
    server.setOption("SCTP_DELAYED_SACK", { frequency: 1, delay: 0 });
    assert.deepEqual(server.getOption("SCTP_DELAYED_SACK"), { delay: 500, frequency: 1 });
    const before = server.control.info.metrics.sacksSent;
    for (let i = 1; i <= 3; i++) {
      await client.send(bytes(`${i}`));
      await server.receive();
      await until(() => server.control.info.metrics.sacksSent >= before + i);
    }
    assert.equal(server.control.info.metrics.sacksSent, before + 3);
  },
  { parameters: { sackDelay: 500, noDelay: 1 } },
);

inBothStyles(
  "SCTP_PARTIAL_DELIVERY_POINT: a long message is handed over in parts",
  async (ends) => {
    const { client, server } = ends;
    server.setOption("SCTP_PARTIAL_DELIVERY_POINT", 4000);
    assert.equal(server.getOption("SCTP_PARTIAL_DELIVERY_POINT"), 4000);
    assert.throws(
      () => server.setOption("SCTP_PARTIAL_DELIVERY_POINT", 8193),
      /no more than SO_RCVBUF \(8192 bytes\), not 8193/,
    );
    void client.send(new Uint8Array(20_000)).catch(() => {});
    const first = await server.recvv(new Uint8Array(20_000));
    assert.ok(
      first?.kind === "data" && !first.endOfRecord,
      "the receive window is smaller than that",
    );
    let length = first.data.length;
    for (let ended = false; !ended;) {
      const part = await server.recvv(new Uint8Array(20_000));
      assert.ok(part?.kind === "data");
      length += part.data.length;
      ended = part.endOfRecord;
    }
    assert.equal(length, 20_000);
  },
  { parameters: { ...SMALL, partialDeliveryPoint: 8192 } },
);

inBothStyles(
  "SCTP_MAX_BURST: so many packets leave at once, and with 0 as cwnd allows",
  async (ends) => {
    const { client, server } = ends;
    assert.equal(client.getOption("SCTP_MAX_BURST"), 4);
    for (const burst of [1, 0]) {
      client.setOption("SCTP_MAX_BURST", burst);
      assert.equal(client.getOption("SCTP_MAX_BURST"), burst);
      await client.send(new Uint8Array(60_000));
      assert.equal((await server.receive())?.data.length, 60_000);
    }
    assert.throws(() => client.setOption("SCTP_MAX_BURST", -1), RangeError);
  },
);

inBothStyles("SCTP_ENABLE_STREAM_RESET: what the peer may ask for", async ({ client, server }) => {
  const all = { resetStreams: true, resetAssociation: true, changeAssociation: true };
  assert.deepEqual(server.getOption("SCTP_ENABLE_STREAM_RESET"), all);
  server.setOption("SCTP_ENABLE_STREAM_RESET", { changeAssociation: false });
  assert.deepEqual(
    server.getOption("SCTP_ENABLE_STREAM_RESET"),
    { ...all, changeAssociation: false },
  );
  const answer = client.told("streams-changed");
  client.setOption("SCTP_ADD_STREAMS", { outgoing: 1 });
  assert.equal((await answer).outcome, "denied");
});
