/**
 * UDP applications (Bickhart 2005, section 4.2.4): which datagrams of this host go over SCTP, and where
 * those that come over SCTP are delivered.
 *
 * The kernel holds each datagram that the rules select. One that an association takes is dropped there,
 * every other goes on as if nothing had been. The far end delivers it under the addresses that it had, and
 * holds the answers in turn: so it is the same to both applications which way a datagram came.
 */
import type { UdpDelivery } from "../../net/udp_delivery.ts";
import type { UdpPacket } from "../../net/udp_packet.ts";
import type { SockDiag } from "../../net/sock_diag.ts";
import type { Association } from "../../sctp/association.ts";
import type { IpAddress } from "../../sctp/base/address.ts";
import type { Instant } from "../../sctp/base/time.ts";
import type { Endpoint } from "../../sctp/endpoint.ts";
import type { SendOptions } from "../../sctp/tx/send_queue.ts";
import { encodeControlMessage, ResetReason } from "../control_message.ts";
import type { FrontPlane } from "../plane.ts";
import type { DatagramConfig } from "../protocol.ts";
import { admit } from "./admission.ts";
import { Flow, type Place } from "./flow.ts";
import { FlowTable } from "./flow_table.ts";
import { flowStatus } from "./flow_status.ts";
import {
  DATAGRAM_ADAPTATION,
  DATAGRAM_PORT,
  LONGEST_MESSAGE,
  type ReceivedMessage,
  RefuseReason,
} from "./message.ts";
import { DatagramPeer, type PeerHost } from "./peer.ts";
import type { Accepted, PeerFlows } from "./peer_flows.ts";
import { type DatagramStatus, newDatagramCounters, newDroppedDatagrams } from "./status.ts";

/** Flows, and hosts, with which there may be some at a time. */
const FLOWS = 16_384;
const PEERS = 1024;

/** Flows that a status shows. */
const FLOWS_SHOWN = 256;

/** The dynamic ports (RFC 6335, section 6). */
const [FIRST_DYNAMIC_PORT, DYNAMIC_PORTS] = [49_152, 16_384];

/** What datagrams are carried with. */
export interface DatagramParts {
  readonly config: DatagramConfig;
  readonly endpoint: Pick<Endpoint, "listen" | "stopListening" | "localAddresses">;
  readonly delivery: Pick<UdpDelivery, "add" | "flush" | "refused">;
  /** Finds the sockets of applications and servers; `undefined` where the kernel cannot. */
  readonly diag: Pick<SockDiag, "findReceiver"> | undefined;
}

export class Datagrams implements PeerHost {
  readonly inbound = new Uint8Array(LONGEST_MESSAGE);
  readonly counters = newDatagramCounters();
  readonly dropped = newDroppedDatagrams();
  readonly #parts: DatagramParts;
  readonly #flows = new FlowTable<DatagramPeer>(FLOWS);
  /** Those that this host's applications send to, by address. */
  readonly #peers = new Map<string, DatagramPeer>();
  readonly #incoming = new Set<DatagramPeer>();
  readonly #flowsOf = new Map<PeerFlows, DatagramPeer>();
  #listening = false;
  #lifetime = -1;
  #options: SendOptions = { stream: 0, ppid: 0, unordered: true, immediate: false };

  constructor(readonly plane: FrontPlane, parts: DatagramParts) {
    this.#parts = parts;
    this.refresh();
  }

  get idle(): number {
    return this.plane.configuration.settings.udpIdle * 1000;
  }

  get datagramOptions(): SendOptions {
    const { udpLifetime } = this.plane.configuration.settings;
    if (udpLifetime !== this.#lifetime) this.#setLifetime(udpLifetime);
    return this.#options;
  }

  /** Rules or settings are different: associations are taken while a local rule enables UDP. */
  refresh(): void {
    const { config, endpoint } = this.#parts;
    const { table, settings } = this.plane.configuration;
    const { entries } = table.searched("local", "udp");
    const wanted = config.local && entries.some(({ rule }) => rule.protocol === "udp");
    if (this.#listening) endpoint.stopListening(DATAGRAM_PORT);
    this.#listening = wanted;
    if (!wanted) return;
    endpoint.listen(DATAGRAM_PORT, {
      adaptationIndication: DATAGRAM_ADAPTATION,
      parameters: { partialReliability: 1, pathMaxRetrans: settings.pathRtxMax },
    });
  }

  /**
   * A datagram is about to leave this host.
   * @param interfaceIndex the interface that it leaves by.
   * @returns whether it is carried, or lost as one that is carried can be. Otherwise it is to go on; what
   * `bytes` has of the packet may have been overwritten.
   */
  take(now: Instant, packet: UdpPacket, interfaceIndex: number, bytes: Uint8Array): boolean {
    const { source, sourcePort, destination, destinationPort, offset, length } = packet;
    const flow = this.#flows.find(source, sourcePort, destination, destinationPort) ??
      this.#begin(now, packet, interfaceIndex);
    return flow?.owner.forward(now, flow, bytes, offset, length) ?? false;
  }

  /** An association to {@link DATAGRAM_PORT} has come up, or its peer has restarted. */
  welcome(now: Instant, association: Association): void {
    const address = association.primaryPath?.remote;
    const isOurs = association.peerAdaptationIndication === DATAGRAM_ADAPTATION;
    if (!address || !isOurs || !this.#listening || this.#incoming.size >= PEERS) {
      const reason = this.#listening ? ResetReason.Busy : ResetReason.Refused;
      return association.abort(now, encodeControlMessage({ kind: "reset", reason }));
    }
    const peer = this.#newPeer(now, address);
    this.#incoming.add(peer);
    peer.adopt(association);
  }

  accept(
    now: Instant,
    flows: PeerFlows,
    association: Association,
    open: ReceivedMessage,
  ): Accepted {
    const owner = this.#flowsOf.get(flows);
    if (!owner || this.#flows.isFull) return RefuseReason.Busy;
    const admission = admit(
      {
        table: this.plane.configuration.table,
        isLocal: (address) => this.#isLocal(address),
        isServed: (local, remote) => this.#isServed(local, remote),
        isTaken: (local, remote, proved) => {
          const flow = this.#flows.find(local.address, local.port, remote.address, remote.port);
          if (!flow || (flow.owner === owner && flow.matches(open))) return false;
          return mustStay(flow, proved);
        },
        randomPort: () => FIRST_DYNAMIC_PORT + Math.floor(Math.random() * DYNAMIC_PORTS),
      },
      association,
      open,
    );
    if (typeof admission === "number") return admission;
    const { local, remote, translated, served } = admission;
    const flow = new Flow(local, remote, { owner, isOurs: false }, now);
    flow.translated = translated;
    const { source, sourcePort, destination, destinationPort } = open;
    flow.opened = { source, sourcePort, destination, destinationPort };
    if (served) {
      this.#replace(flow);
      this.#log(flow, "carried from the peer");
    }
    return { flow, served };
  }

  deliver(flow: Flow, bytes: Uint8Array, offset: number, length: number): void {
    if (!this.#parts.delivery.add(flow.inbound, bytes, offset, length)) this.dropped.tooLong++;
  }

  flush(): void {
    const { delivery } = this.#parts;
    delivery.flush();
    this.dropped.notDelivered = delivery.refused;
  }

  forget(flow: Flow<DatagramPeer>): void {
    this.#flows.delete(flow);
  }

  gone(peer: DatagramPeer): void {
    this.#incoming.delete(peer);
    this.#flowsOf.delete(peer.flows);
    if (this.#peers.get(peer.address.text) === peer) this.#peers.delete(peer.address.text);
  }

  /** Takes no more associations, and ends those that there are. */
  close(now: Instant): void {
    if (this.#listening) this.#parts.endpoint.stopListening(DATAGRAM_PORT);
    this.#listening = false;
    for (const peer of [...this.#peers.values(), ...this.#incoming]) peer.close(now);
  }

  status(): DatagramStatus {
    const shown: Flow<DatagramPeer>[] = [];
    for (const flow of this.#flows) {
      if (shown.length < FLOWS_SHOWN) shown.push(flow);
    }
    return {
      counters: { ...this.counters },
      dropped: { ...this.dropped },
      flowCount: this.#flows.count,
      flows: shown.map((flow) => flowStatus(flow, flow.owner)),
    };
  }

  #begin(now: Instant, packet: UdpPacket, interfaceIndex: number): Flow<DatagramPeer> | undefined {
    const { source, sourcePort, destination, destinationPort } = packet;
    if (!this.#parts.config.remote) return undefined;
    const { table } = this.plane.configuration;
    if (!table.match("remote", destination, destinationPort, "udp").enabled) return undefined;
    const peer = this.#flows.isFull ? undefined : this.#peerAt(now, destination);
    if (!peer) {
      this.counters.plainOut++;
      return undefined;
    }
    const local = { address: source, port: sourcePort };
    const remote = { address: destination, port: destinationPort };
    const flow = new Flow(local, remote, { owner: peer, isOurs: true }, now);
    if (this.#isBoundToInterface(local, remote, interfaceIndex)) {
      flow.stage = "left";
      flow.reason = "its socket is bound to an interface";
    }
    this.#flows.add(flow);
    peer.flows.add(flow);
    this.counters.opened++;
    this.#log(flow, "enabled by the rules");
    return flow;
  }

  #peerAt(now: Instant, address: IpAddress): DatagramPeer | undefined {
    const known = this.#peers.get(address.text) ?? this.#peerReachedAt(address);
    if (known || this.#peers.size >= PEERS) return known;
    const peer = this.#newPeer(now, address);
    this.#peers.set(address.text, peer);
    return peer;
  }

  /** One association serves all addresses of a host. */
  #peerReachedAt(address: IpAddress): DatagramPeer | undefined {
    for (const peer of this.#peers.values()) {
      if (peer.association?.isPeerAddress(address)) return peer;
    }
    return undefined;
  }

  #newPeer(now: Instant, address: IpAddress): DatagramPeer {
    const peer = new DatagramPeer(this, this.plane.nextId(), address, now);
    this.#flowsOf.set(peer.flows, peer);
    this.plane.adopt(peer);
    return peer;
  }

  #replace(flow: Flow<DatagramPeer>): void {
    const { local, remote } = flow;
    const other = this.#flows.find(local.address, local.port, remote.address, remote.port);
    other?.owner.flows.drop(other);
    this.#flows.add(flow);
  }

  #isLocal(address: IpAddress): boolean {
    return this.#parts.endpoint.localAddresses.some((own) => own.address.equals(address));
  }

  /** Where that cannot be known the kernel tells the client by ICMP that nobody is there. */
  #isServed(local: Place, remote: Place): boolean {
    const { diag } = this.#parts;
    return !diag || diag.findReceiver(remote, local, 0) !== undefined;
  }

  /** What comes from the loopback does not reach such a socket. */
  #isBoundToInterface(local: Place, remote: Place, interfaceIndex: number): boolean {
    const socket = this.#parts.diag?.findReceiver(remote, local, interfaceIndex);
    return (socket?.interfaceIndex ?? 0) !== 0;
  }

  #setLifetime(lifetime: number): void {
    this.#lifetime = lifetime;
    const reliability = lifetime === 0
      ? { policy: "rtx", value: 0 } as const
      : { policy: "ttl", value: lifetime } as const;
    this.#options = { ...this.#options, reliability };
  }

  #log(flow: Flow<DatagramPeer>, what: string): void {
    const { local, remote } = flowStatus(flow, flow.owner);
    this.plane.log("debug", `UDP ${local} to ${remote}: ${what}`);
  }
}

/**
 * A flow of the same host makes room, whose shim may have lost an association that stands here still. Two
 * hosts, or two sockets of one, can share an address and a port only behind a NAT, which neither has for
 * its own.
 */
function mustStay({ owner, translated }: Flow<DatagramPeer>, proved: boolean): boolean {
  return owner.association !== undefined && (translated || !proved);
}
