/**
 * A peer whose every packet is written by the test, with the endpoint under test (the subject) on the
 * other side. The puppet keeps no protocol state but tags and the TSNs that it has used.
 */
import { tsn, tsnDistance } from "../base/serial.ts";
import type { Association } from "../association.ts";
import type { AssociationState } from "../phase.ts";
import type { AssociateOptions } from "../endpoint.ts";
import type { ListenOptions } from "../listener.ts";
import type { Ecn } from "../packet.ts";
import type { ReceiveInfo } from "../rx/reassembly.ts";
import type { SendOptions } from "../tx/send_queue.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeCookieAck, encodeCookieEcho } from "../wire/cookie.ts";
import { isFault } from "../wire/fault.ts";
import { encodeHeartbeatAck } from "../wire/heartbeat.ts";
import { decodeInit, type InitChunk, type InitFields } from "../wire/init.ts";
import { encodeShutdown, encodeShutdownAck } from "../wire/shutdown.ts";
import {
  data,
  type DataTemplate,
  forwardTsn,
  init,
  INIT_DEFAULTS,
  initAck,
  packet,
  sack,
} from "./chunks.ts";
import type { SackTemplate } from "./chunks.ts";
import { chunkOfType, chunksOfType, type SentPacket, tsnsOf } from "./sent_packet.ts";
import { address, TestEndpoint, type TestEndpointOptions } from "./test_endpoint.ts";

export interface PuppetOptions extends TestEndpointOptions {
  /** Addresses of the puppet; the first is the one that it sends from. */
  readonly peers?: readonly string[];
  /** What the puppet's INIT or INIT ACK says. */
  readonly init?: Partial<InitFields>;
  readonly listen?: ListenOptions;
  readonly associate?: Partial<AssociateOptions>;
  /** UDP port that the puppet's packets come from; 0 for raw IP. */
  readonly encapsulationPort?: number;
}

/** How one packet differs from the usual one. */
export interface Envelope {
  readonly tag?: number;
  readonly from?: string;
  readonly to?: string;
  readonly encapsulationPort?: number;
  readonly ecn?: Ecn;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

export const SUBJECT_PORT = 5000;
export const PUPPET_PORT = 6000;

/** Options for a message that needs none. */
export const PLAIN: SendOptions = { stream: 0, ppid: 0, unordered: false, immediate: false };

export class Puppet {
  readonly subject: TestEndpoint;
  readonly addresses: readonly string[];
  readonly subjectAddresses: readonly string[];
  /** The tag that the subject has to use. */
  tag: number;
  /** The tag that the puppet has to use. */
  subjectTag = 0;
  /** The TSN that the puppet's next DATA chunk gets. */
  nextTsn: number;
  /** The subject's Initial TSN. */
  subjectTsn = 0;
  /** The cookie of the last INIT ACK. */
  cookie: Uint8Array = new Uint8Array(0);
  readonly #options: PuppetOptions;
  readonly #fields: InitFields;

  constructor(options: PuppetOptions = {}) {
    this.#options = options;
    this.addresses = options.peers ?? ["10.0.0.2"];
    this.subjectAddresses = options.addresses ?? ["10.0.0.1"];
    this.subject = new TestEndpoint(options);
    this.#fields = { ...INIT_DEFAULTS, addresses: this.#listed, ...options.init };
    this.tag = this.#fields.initiateTag;
    this.nextTsn = this.#fields.initialTsn;
  }

  get #listed() {
    return this.addresses.length > 1 ? this.addresses.map(address) : [];
  }

  /** The subject's only association. */
  get association(): Association {
    const [association, ...others] = this.subject.associations;
    if (!association || others.length > 0) throw new Error("there is not exactly one association");
    return association;
  }

  /** Sends chunks in one packet; returns what the subject answers at once. */
  send(...chunks: readonly Uint8Array[]): SentPacket[] {
    return this.sendIn({}, ...chunks);
  }

  /** The same with another tag, address or port. */
  sendIn(envelope: Envelope, ...chunks: readonly Uint8Array[]): SentPacket[] {
    this.subject.arrive(this.packetOf(envelope, chunks), this.#arrivalOf(envelope));
    return this.subject.take();
  }

  /** Sends chunks in a packet that the subject gets together with others: it is not drained. */
  sendUndrained(...chunks: readonly Uint8Array[]): void {
    this.subject.arriveUndrained(this.packetOf({}, chunks), this.#arrivalOf({}));
  }

  /** Sends these bytes as a packet. */
  sendBytes(bytes: Uint8Array, envelope: Envelope = {}): SentPacket[] {
    this.subject.arrive(bytes, this.#arrivalOf(envelope));
    return this.subject.take();
  }

  /** The packet that {@link sendIn} would send. */
  packetOf(envelope: Envelope, chunks: readonly Uint8Array[]): Uint8Array {
    const { sourcePort = PUPPET_PORT, destinationPort = SUBJECT_PORT } = envelope;
    return packet(sourcePort, destinationPort, envelope.tag ?? this.subjectTag, chunks);
  }

  #arrivalOf(envelope: Envelope) {
    return {
      from: envelope.from ?? this.addresses[0],
      to: envelope.to ?? this.subjectAddresses[0],
      encapsulationPort: envelope.encapsulationPort ?? this.#options.encapsulationPort ?? 0,
      ecn: envelope.ecn,
    };
  }

  /** Sends one DATA chunk with the next TSN. */
  data(template: DataTemplate = {}): SentPacket[] {
    return this.send(data(this.nextTsn++, template));
  }

  /** Sends a FORWARD TSN up to the TSN before {@link nextTsn}, or before another one. */
  skip(skipped: readonly (readonly [stream: number, ssn: number])[] = [], next = this.nextTsn) {
    return this.send(forwardTsn(next - 1, skipped));
  }

  /** Acknowledges the first `count` TSNs of the subject. */
  ack(count: number, template: SackTemplate = {}): SentPacket[] {
    return this.send(sack(this.subjectTsn + count - 1, template));
  }

  /** The subject listens; the puppet sends an INIT and returns what comes back. */
  requestInitAck(fields: Partial<InitFields> = {}, extra?: Uint8Array): SentPacket[] {
    if (!this.subject.endpoint.listenerOn(SUBJECT_PORT)) {
      this.subject.do((endpoint) => endpoint.listen(SUBJECT_PORT, this.#options.listen));
    }
    return this.sendIn({ tag: 0 }, init({ ...this.#fields, ...fields }, extra));
  }

  /** Learns tag, TSN and cookie from an INIT ACK. */
  learn(packets: readonly SentPacket[]): InitChunk {
    const answer = readInit(chunkOfType(packets, ChunkType.InitAck));
    this.subjectTag = answer.initiateTag;
    this.subjectTsn = answer.initialTsn;
    this.cookie = answer.stateCookie ?? new Uint8Array(0);
    return answer;
  }

  /** Sets up an association as the side that asks; returns the answer to COOKIE ECHO. */
  connect(): SentPacket[] {
    this.learn(this.requestInitAck());
    return this.send(encodeCookieEcho(this.cookie));
  }

  /** Lets the subject ask for an association; returns its INIT. */
  beAsked(): SentPacket[] {
    this.subject.do((endpoint, now) =>
      endpoint.associate(now, {
        remotePort: PUPPET_PORT,
        localPort: SUBJECT_PORT,
        remoteAddresses: this.addresses.map(address),
        encapsulationPort: this.#options.encapsulationPort,
        ...this.#options.associate,
      })
    );
    const packets = this.subject.take();
    const asked = readInit(chunkOfType(packets, ChunkType.Init));
    this.subjectTag = asked.initiateTag;
    this.subjectTsn = asked.initialTsn;
    return packets;
  }

  /** Answers the INIT with an INIT ACK; returns the packet with COOKIE ECHO. */
  answer(fields: Partial<InitFields> = {}, extra?: Uint8Array): SentPacket[] {
    return this.send(initAck({ ...this.#fields, ...fields }, extra));
  }

  /** The whole handshake with the subject as the side that asks; returns what COOKIE ACK causes. */
  accept(): SentPacket[] {
    this.beAsked();
    this.answer();
    return this.send(encodeCookieAck());
  }

  /** Answers all HEARTBEATs among these packets where they were sent to. */
  answerHeartbeats(packets: readonly SentPacket[]): SentPacket[] {
    return packets.flatMap((sent) =>
      chunksOfType([sent], ChunkType.Heartbeat).flatMap((heartbeat) =>
        this.sendIn(
          { from: sent.to, to: sent.from },
          encodeHeartbeatAck(heartbeat.slice(4)),
        )
      )
    );
  }

  /** Lets the subject queue a message of `length` bytes, or these bytes; returns what leaves. */
  submit(message: number | Uint8Array, options: Partial<SendOptions> = {}): SentPacket[] {
    const bytes = typeof message === "number" ? new Uint8Array(message).fill(7) : message;
    this.subject.do((_, now) => {
      if (!this.association.send(now, bytes, { ...PLAIN, ...options })) {
        throw new Error("the send buffer has no room");
      }
    });
    return this.subject.take();
  }

  /** The subject's TSNs in these packets, counted from 0. */
  offsets(packets: readonly SentPacket[]): number[] {
    return tsnsOf(packets).map((value) => tsnDistance(tsn(this.subjectTsn), tsn(value)));
  }

  /** Reads one message, or part of one, of at most `room` bytes. */
  read(room = 1 << 20, association = this.association): { bytes: Uint8Array; info: ReceiveInfo } {
    const target = new Uint8Array(room);
    const info = { stream: -1, ssn: -1, ppid: -1, unordered: false, endOfMessage: false };
    const length = this.subject.do((_, now) => association.read(now, target, info));
    return { bytes: target.slice(0, length), info };
  }

  /** Lets time pass; returns what was sent meanwhile. */
  wait(milliseconds: number): SentPacket[] {
    this.subject.advance(milliseconds);
    return this.subject.take();
  }

  /** Leads the subject into a state, by the shortest way; the puppet has asked unless it says so. */
  bring(state: AssociationState): void {
    switch (state) {
      case "CLOSED":
        this.subject.do((endpoint) => endpoint.listen(SUBJECT_PORT, this.#options.listen));
        return;
      case "COOKIE-WAIT":
        this.beAsked();
        return;
      case "COOKIE-ECHOED":
        this.beAsked();
        this.answer();
        return;
      case "ESTABLISHED":
        this.connect();
        return;
      case "SHUTDOWN-PENDING":
        this.connect();
        this.submit(20);
        this.shutdown();
        return;
      case "SHUTDOWN-SENT":
        this.connect();
        this.shutdown();
        return;
      case "SHUTDOWN-RECEIVED":
        this.connect();
        this.submit(20);
        this.send(encodeShutdown(tsn(this.subjectTsn - 1)));
        return;
      case "SHUTDOWN-ACK-SENT":
        this.connect();
        this.send(encodeShutdown(tsn(this.subjectTsn - 1)));
        return;
    }
  }

  /** Lets the subject's user ask for a shutdown; returns what leaves. */
  shutdown(): SentPacket[] {
    const { association } = this;
    this.subject.do((_, now) => association.shutdown(now));
    return this.subject.take();
  }

  /** Completes a shutdown that the subject has begun. */
  acknowledgeShutdown(): SentPacket[] {
    return this.send(encodeShutdownAck());
  }
}

/** An INIT or INIT ACK chunk as values. */
export function readInit(chunk: Uint8Array): InitChunk {
  const read = decodeInit(chunk, 0);
  if (isFault(read)) throw new Error(read.detail);
  return read;
}
