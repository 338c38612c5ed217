/** Options about streams, in both styles. */
import assert from "node:assert/strict";
import { bytes, inBothStyles, text } from "../testing/styles.ts";

inBothStyles("SCTP_STREAM_SCHEDULER: how the streams take turns", ({ client }) => {
  assert.equal(client.getOption("SCTP_STREAM_SCHEDULER"), "fcfs");
  client.setOption("SCTP_STREAM_SCHEDULER", "prio");
  assert.equal(client.getOption("SCTP_STREAM_SCHEDULER"), "prio");
  assert.equal(client.control.streams.scheduler, "prio");
  const wrong = "SCTP_SS_FIRST" as "fcfs";
  assert.throws(() => client.setOption("SCTP_STREAM_SCHEDULER", wrong), RangeError);
  return Promise.resolve();
});

inBothStyles("SCTP_STREAM_SCHEDULER_VALUE: what is urgent is sent first", async (ends) => {
  const { client, server } = ends;
  const name = "SCTP_STREAM_SCHEDULER_VALUE";
  assert.deepEqual(client.getOption(name, { stream: 1 }), { stream: 1, value: 5 });
  client.setOption(name, { stream: 2, value: 1 });
  assert.equal(client.getOption(name, { stream: 2 }).value, 1);
  const messages = ["one", "two"].map((word, i) => client.send(bytes(word), { stream: i + 1 }));
  await Promise.all(messages);
  assert.equal(text((await server.receive())?.data), "two");
  assert.equal(text((await server.receive())?.data), "one");
}, {
  clientOptions: {
    SCTP_STREAM_SCHEDULER: "prio",
    SCTP_STREAM_SCHEDULER_VALUE: { stream: 1, value: 5 },
  },
});

inBothStyles("SCTP_RESET_STREAMS, SCTP_STREAM_RESET_EVENT: streams start again", async (ends) => {
  const { client, server } = ends;
  const event = server.told("streams-reset");
  client.setOption("SCTP_RESET_STREAMS", { outgoing: true, streams: [3] });
  const { direction, streams, outcome } = await event;
  assert.deepEqual([direction, streams, outcome], ["incoming", [3], "performed"]);
  assert.throws(() => client.setOption("SCTP_RESET_STREAMS", {}), /neither direction/);
  assert.throws(() => client.setOption("SCTP_RESET_STREAMS", { outgoing: true, streams: [999] }));
});

inBothStyles("SCTP_RESET_ASSOC, SCTP_ASSOC_RESET_EVENT: all numbers start again", async (ends) => {
  const { client, server } = ends;
  const event = server.told("association-reset");
  client.setOption("SCTP_RESET_ASSOC", {});
  assert.equal((await event).outcome, "performed");
});

inBothStyles("SCTP_ADD_STREAMS, SCTP_STREAM_CHANGE_EVENT: there are more streams", async (ends) => {
  const { client, server } = ends;
  const event = server.told("streams-changed");
  const before = client.control.outboundStreams;
  client.setOption("SCTP_ADD_STREAMS", { outgoing: 2 });
  assert.equal((await event).inbound, before + 2);
  assert.throws(() => client.setOption("SCTP_ADD_STREAMS", { outgoing: 65_535 }), RangeError);
});
