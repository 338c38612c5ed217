/** What one end makes of whatever a peer says. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { IpAddress } from "../../sctp/base/address.ts";
import { instant } from "../../sctp/base/time.ts";
import { Flow } from "./flow.ts";
import {
  encodeHeader,
  FLAG_WITH_DATAGRAM,
  FLAG_YOURS,
  HEADER_BYTES,
  MessageType,
  openHeaderBytes,
  ReceivedMessage,
  RefuseReason,
  writeOpen,
} from "./message.ts";
import { newDatagramCounters, newDroppedDatagrams } from "./status.ts";
import { type Carrying, PeerFlows, type PeerFlowsHost } from "./peer_flows.ts";

const NOW = instant(0);
const HERE = { address: IpAddress.parse("10.0.0.2"), port: 53 };
const THERE = IpAddress.parse("10.0.0.1");

/** One end, whose peer is the test. */
class Stage {
  readonly sent: ReceivedMessage[] = [];
  readonly delivered: [port: number, bytes: number][] = [];
  readonly forgotten: Flow[] = [];
  readonly host: PeerFlowsHost = {
    counters: newDatagramCounters(),
    dropped: newDroppedDatagrams(),
    datagramOptions: { stream: 0, ppid: 0, unordered: true, immediate: false },
    accept: (now, owner, _, open) => {
      const remote = { address: open.source, port: open.sourcePort };
      const flow = new Flow(HERE, remote, { owner, isOurs: false }, now);
      const { source, sourcePort, destination, destinationPort } = open;
      flow.opened = { source, sourcePort, destination, destinationPort };
      return { flow, served: true };
    },
    deliver: (flow, _bytes, _offset, length) => this.delivered.push([flow.remote.port, length]),
    forget: (flow) => this.forgotten.push(flow),
  };
  readonly association = {
    state: "ESTABLISHED",
    paths: [{ status: "active", usable: true, isPotentiallyFailed: false }],
    parameters: { sendBuffer: 1 << 20 },
    send: (_now: unknown, bytes: Uint8Array) => {
      const message = new ReceivedMessage();
      assert.ok(message.read(bytes.slice(), bytes.length), "what leaves is a message");
      this.sent.push(message);
      return true;
    },
  } as unknown as Carrying;
  readonly flows = new PeerFlows(this.host);

  constructor() {
    this.flows.handleUp(this.association);
  }

  hear(bytes: Uint8Array): void {
    this.flows.handleMessage(NOW, this.association, bytes, bytes.length);
  }

  open(flow: number, sourcePort: number, datagram?: number): void {
    const header = openHeaderBytes(4);
    const bytes = new Uint8Array(header + (datagram ?? 0));
    const ends = { source: THERE, sourcePort, destination: HERE.address, destinationPort: 53 };
    writeOpen(bytes, 0, flow, datagram === undefined ? 0 : FLAG_WITH_DATAGRAM, ends);
    this.hear(bytes);
  }

  datagram(flow: number, length: number): void {
    const bytes = new Uint8Array(HEADER_BYTES + length);
    bytes.set(encodeHeader(MessageType.Datagram, 0, flow));
    this.hear(bytes);
  }

  /** Types of what was sent since the last call. */
  said(): number[] {
    return this.sent.splice(0).map(({ type }) => type);
  }
}

Deno.test("an OPEN that comes again is accepted again, and its datagram delivered", () => {
  const stage = new Stage();
  for (let i = 0; i < 3; i++) stage.open(7, 5000, 10);
  assert.deepEqual(stage.delivered, [[5000, 10], [5000, 10], [5000, 10]]);
  assert.deepEqual(stage.said(), [MessageType.Accept, MessageType.Accept, MessageType.Accept]);
  assert.equal(stage.flows.count, 1);
});

Deno.test("a number that is given to another flow stands for that one from then on", () => {
  const stage = new Stage();
  stage.open(7, 5000);
  stage.open(7, 5001);
  stage.datagram(7, 1);
  assert.deepEqual(stage.delivered, [[5001, 1]]);
  assert.deepEqual(stage.forgotten.map((flow) => flow.remote.port), [5000]);
});

Deno.test("a datagram of a flow that is not known is counted, and the peer told", () => {
  const stage = new Stage();
  stage.datagram(9, 5);
  assert.equal(stage.host.dropped.unknownFlow, 1);
  assert.deepEqual(stage.sent.map(({ type, flow, reason }) => [type, flow, reason]), [
    [MessageType.Refuse, 9, RefuseReason.UnknownFlow],
  ]);
  stage.said();
  const answer = encodeHeader(MessageType.Datagram, FLAG_YOURS, 9);
  stage.hear(answer);
  assert.deepEqual(stage.said(), [MessageType.Close]);
  assert.deepEqual(stage.delivered, []);
});

Deno.test("a peer may have so many flows and no more", () => {
  const stage = new Stage();
  for (let flow = 1; flow <= 4096; flow++) stage.open(flow, flow);
  assert.equal(stage.flows.count, 4096);
  stage.said();
  stage.open(5000, 5000, 3);
  assert.deepEqual(stage.sent.map(({ reason }) => reason), [RefuseReason.Busy]);
  assert.equal(stage.host.dropped.refused, 1);
  stage.hear(encodeHeader(MessageType.Close, 0, 1));
  stage.open(5000, 5000, 3);
  assert.equal(stage.delivered.length, 1);
});

Deno.test("when the association is lost the peer's flows are over", () => {
  const stage = new Stage();
  stage.open(1, 5000);
  stage.flows.handleLoss();
  assert.deepEqual([stage.flows.count, stage.forgotten.length], [0, 1]);
});

Deno.test("noise is counted and answered by a message at the most; it delivers nothing", () => {
  const message = fc.uint8Array({ maxLength: 60 });
  const typed = fc.tuple(fc.nat(7), message).map(([type, bytes]) => {
    if (bytes.length > 0) bytes[0] = type;
    return bytes;
  });
  fc.assert(fc.property(fc.array(typed, { maxLength: 40 }), (messages) => {
    const stage = new Stage();
    for (const bytes of messages) {
      const before = stage.sent.length;
      stage.hear(bytes);
      assert.ok(stage.sent.length <= before + 1);
    }
    assert.ok(stage.flows.count <= messages.length);
    for (const [port] of stage.delivered) assert.ok(port > 0, "of a flow that was opened");
  }));
});
