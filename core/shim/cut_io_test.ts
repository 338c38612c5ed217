import assert from "node:assert/strict";
import { newMetrics } from "../net/metrics.ts";
import type { PacketIo } from "../net/packet_io.ts";
import { IpAddress } from "../sctp/base/address.ts";
import { Ecn, type InboundPacket, PacketBatch, type Route } from "../sctp/packet.ts";
import { CutIo } from "./cut_io.ts";

const [OWN, FIRST, SECOND] = ["10.0.0.1", "10.0.0.2", "10.0.1.2"].map(IpAddress.parse);

/** A transport that the test fills and empties. */
class FakeIo implements PacketIo {
  readonly descriptors = [];
  readonly localAddresses = [];
  readonly encapsulationPort = 0;
  readonly overhead = 0;
  readonly metrics = newMetrics();
  readonly batches: IpAddress[][] = [];
  readonly sent: string[] = [];
  /** Packets that `send` takes before it would block. */
  room = Infinity;
  #current: IpAddress[] = [];

  receive(): number {
    this.#current = this.batches.shift() ?? [];
    return this.#current.length;
  }

  refreshAddresses() {
    return this.localAddresses;
  }

  get hasMore(): boolean {
    return this.batches.length > 0;
  }

  packetAt(index: number): InboundPacket {
    const source = this.#current[index];
    return {
      buffer: new Uint8Array(12),
      offset: 0,
      length: 12,
      source,
      destination: OWN,
      encapsulationPort: 0,
      ecn: Ecn.NotEct,
    };
  }

  send(batch: PacketBatch, from: number): number {
    let next = from;
    while (next < batch.count && this.room-- > 0) this.sent.push(batch.routes[next++]!.remote.text);
    return next;
  }

  pollIcmp(): undefined {}

  wait(): Promise<void> {
    return Promise.resolve();
  }

  wake(): void {}

  close(): void {}
}

function batchTo(...remotes: IpAddress[]): PacketBatch {
  const batch = new PacketBatch(new Uint8Array(1000), 20);
  for (const remote of remotes) {
    const route: Route = { local: OWN, remote, encapsulationPort: 0, ecn: Ecn.NotEct };
    batch.commit(12, route);
  }
  return batch;
}

Deno.test("without a cut every packet passes", () => {
  const inner = new FakeIo();
  const io = new CutIo(inner);
  inner.batches.push([FIRST, SECOND]);
  assert.equal(io.receive(), 2);
  assert.equal(io.packetAt(1).source, SECOND);
  assert.equal(io.send(batchTo(FIRST, SECOND), 0), 2);
  assert.deepEqual(inner.sent, [FIRST.text, SECOND.text]);
});

Deno.test("packets from a cut address vanish, and those behind them are still found", () => {
  const inner = new FakeIo();
  const io = new CutIo(inner);
  io.cut(FIRST.text);
  inner.batches.push([FIRST, FIRST], [FIRST, SECOND]);
  assert.equal(io.receive(), 1);
  assert.equal(io.packetAt(0).source, SECOND);
  assert.equal(io.receive(), 0);
  assert.equal(io.dropped, 3);
});

Deno.test("packets to a cut address vanish, the others leave in order", () => {
  const inner = new FakeIo();
  const io = new CutIo(inner);
  io.cut(FIRST.text);
  const batch = batchTo(FIRST, SECOND, SECOND, FIRST, SECOND, FIRST);
  assert.equal(io.send(batch, 0), 6);
  assert.deepEqual(inner.sent, [SECOND.text, SECOND.text, SECOND.text]);
  assert.equal(batch.count, 6);
  assert.equal(io.dropped, 3);
});

Deno.test("a transport that would block in the middle is asked again from there on", () => {
  const inner = new FakeIo();
  const io = new CutIo(inner);
  io.cut(FIRST.text);
  inner.room = 1;
  const batch = batchTo(SECOND, SECOND, FIRST, SECOND);
  assert.equal(io.send(batch, 0), 1);
  inner.room = Infinity;
  assert.equal(io.send(batch, 1), 4);
  assert.equal(inner.sent.length, 3);
});

Deno.test("a healed address is whole again", () => {
  const inner = new FakeIo();
  const io = new CutIo(inner);
  io.cut(FIRST.text);
  io.heal(FIRST.text);
  inner.batches.push([FIRST]);
  assert.equal(io.receive(), 1);
});
