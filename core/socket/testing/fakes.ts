/** An endpoint and a transport that do what a test tells them, and keep a log of the calls. */
import { IpAddress } from "../../sctp/base/address.ts";
import { type Instant, NEVER } from "../../sctp/base/time.ts";
import type { SctpEvent } from "../../sctp/events.ts";
import type { IcmpError } from "../../sctp/icmp_error.ts";
import { Ecn, type InboundPacket, type PacketBatch, type Route } from "../../sctp/packet.ts";
import { newMetrics } from "../../net/metrics.ts";
import type { PacketIo } from "../../net/packet_io.ts";
import type { PumpedEndpoint } from "../pump.ts";

const HERE = IpAddress.parse("127.0.0.1");
const ROUTE: Route = { local: HERE, remote: HERE, encapsulationPort: 9899, ecn: Ecn.NotEct };
const PACKET: InboundPacket = {
  buffer: new Uint8Array(100),
  offset: 0,
  length: 100,
  source: HERE,
  destination: HERE,
  encapsulationPort: 9899,
  ecn: Ecn.NotEct,
};

/** Sends `toSend` packets, tells `events`, wants to be woken at `timeout`. */
export class FakeEndpoint implements PumpedEndpoint {
  toSend = 0;
  timeout: Instant = NEVER;
  readonly events: SctpEvent[] = [];
  failure: Error | undefined;

  constructor(readonly log: string[] = []) {}

  handlePacket(): void {
    this.log.push("packet");
  }

  handleTimeout(now: Instant): void {
    if (this.timeout > now) return;
    this.log.push("timeout");
    this.timeout = NEVER;
  }

  handleIcmp(_now: Instant, error: IcmpError): void {
    this.log.push(`icmp ${error.kind}`);
  }

  pollTransmit(_now: Instant, batch: PacketBatch): boolean {
    if (this.failure) throw this.failure;
    while (this.toSend > 0 && batch.hasRoom(1000)) {
      batch.commit(1000, ROUTE);
      this.toSend--;
    }
    return this.toSend > 0;
  }

  pollEvent(): SctpEvent | undefined {
    return this.events.shift();
  }

  pollTimeout(): Instant {
    return this.timeout;
  }
}

/** Has `waiting` packets to give, and takes `room` packets. */
export class FakeIo implements PacketIo {
  readonly descriptors = [];
  readonly localAddresses = [{ address: HERE, prefixLength: 8, interfaceIndex: 1 }];
  readonly encapsulationPort = 9899;
  readonly overhead = 8;
  readonly metrics = newMetrics();
  readonly icmp: IcmpError[] = [];
  waiting = 0;
  room = Infinity;
  wakes = 0;
  #wait: PromiseWithResolvers<void> | undefined;

  constructor(readonly log: string[] = []) {}

  receive(): number {
    const count = Math.min(this.waiting, 4);
    this.waiting -= count;
    return count;
  }

  get hasMore(): boolean {
    return this.waiting > 0;
  }

  packetAt(): InboundPacket {
    return PACKET;
  }

  send(batch: PacketBatch, from: number): number {
    const next = Math.min(batch.count, from + this.room);
    this.room -= next - from;
    this.log.push(`send ${next - from}`);
    return next;
  }

  pollIcmp(): IcmpError | undefined {
    return this.icmp.shift();
  }

  refreshAddresses() {
    return this.localAddresses;
  }

  wait(milliseconds: number): Promise<void> {
    this.log.push(`wait ${milliseconds}`);
    this.#wait = Promise.withResolvers<void>();
    return this.#wait.promise;
  }

  wake(): void {
    this.wakes++;
    this.#wait?.resolve();
  }

  close(): void {
    this.wake();
  }
}
