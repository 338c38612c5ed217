/**
 * One association: the state that the procedures work on, and the commands of its user.
 *
 * The rules themselves are elsewhere: what a chunk does in which state is the table in `states.ts`,
 * each procedure has a file in `procedures/`, sending is in `tx/`, receiving in `rx/`, what belongs to
 * one pair of addresses in `path/`. This class wires them together.
 */
import type { AssociationHost, AssociationSetup } from "./association_host.ts";
import type { Authentication } from "./auth/authentication.ts";
import { SharedKeys } from "./auth/shared_keys.ts";
import type { AddressConfiguration } from "./address_configuration.ts";
import type { IpAddress } from "./base/address.ts";
import type { HeapMember } from "./base/deadline_heap.ts";
import type { Tsn } from "./base/serial.ts";
import { type Instant, instant, NEVER } from "./base/time.ts";
import type { LossReason } from "./events.ts";
import { Extension } from "./extensions.ts";
import { type AssociationMetrics, newAssociationMetrics } from "./metrics.ts";
import type { PacketBatch, Route } from "./packet.ts";
import type { Parameters } from "./parameters.ts";
import type { AssociationState, Phase } from "./phase.ts";
import type { LocalAddress } from "./path/pairing.ts";
import { Path } from "./path/path.ts";
import {
  type AddAddressOptions,
  wantAddress,
  wantNoAddress,
  wantPeerPrimary,
} from "./procedures/address_changes.ts";
import { abortAssociation } from "./procedures/abort.ts";
import { deactivateKey, reportFreeKeys } from "./procedures/authentication.ts";
import { sendHeartbeat, startHeartbeat } from "./procedures/heartbeat.ts";
import { makeRoomFor, reportUndelivered } from "./procedures/partial_reliability.ts";
import { isMonitored } from "./procedures/path_management.ts";
import { beginShutdown } from "./procedures/shutdown.ts";
import {
  type StreamReset,
  wantAssociationReset,
  wantStreamReset,
  wantStreams,
} from "./procedures/stream_changes.ts";
import { transmitAssociation } from "./procedures/transmit.ts";
import { handleAssociationTimers } from "./procedures/timers.ts";
import type { Reconfiguration } from "./reconfiguration.ts";
import type { ReceiveInfo } from "./rx/reassembly.ts";
import type { Reception } from "./rx/reception.ts";
import { AssociationTimer, TimerTable } from "./timer/timer_table.ts";
import {
  type AbandonedCount,
  type AbandonPolicy,
  checkReliability,
} from "./tx/partial_reliability.ts";
import type { SendOptions } from "./tx/send_queue.ts";
import type { SendConditions } from "./tx/data_sender.ts";
import type { StreamSchedulerName } from "./tx/stream_scheduler.ts";
import { Transmission } from "./tx/transmission.ts";
import type { AuthParameters } from "./wire/auth_parameters.ts";
import { DATA_HEADER_LENGTH } from "./wire/data.ts";

/** A control chunk that waits to be sent. */
export interface ControlItem {
  /** The chunk with its padding. */
  readonly chunk: Uint8Array;
  readonly path: Path;
  /** May not share its packet (RFC 9260, section 6.10). */
  readonly alone: boolean;
  /** Verification Tag 0: the packet carries an INIT. */
  readonly zeroTag: boolean;
  /** Bytes to which PAD fills the packet up: a probe for the path MTU. */
  readonly padTo?: number;
}

/** Paths of an association at most; the outstanding queue names them with one byte. */
const MAX_PATHS = 64;

/** Thrown by {@link Association.send} when the association no longer takes messages. */
export class SendAfterShutdownError extends Error {
  override readonly name = "SendAfterShutdownError";
}

export class Association implements HeapMember {
  /** Number of the association in its endpoint, never used again. */
  readonly id: number;
  /** True if the peer asked for the association. */
  readonly incoming: boolean;
  readonly localPort: number;
  readonly remotePort: number;
  parameters: Parameters;
  readonly metrics: AssociationMetrics = newAssociationMetrics();

  heapIndex = -1;
  heapDeadline: Instant = NEVER;
  /** In the endpoint's list of associations that have something to send. */
  isTouched = false;

  readonly host: AssociationHost;
  readonly timers = new TimerTable(Object.keys(AssociationTimer).length);
  readonly pathList: Path[] = [];
  readonly setup: AssociationSetup;
  tx: Transmission;
  /** Exists once the peer's Initial TSN is known. */
  rx: Reception | undefined;
  phase: Phase = { state: "CLOSED" };
  readonly control: ControlItem[] = [];

  localTag: number;
  /** The peer's Verification Tag; 0 while it is not known. */
  peerTag = 0;
  /** When a packet of the peer came last. */
  heardAt: Instant = instant(0);
  /** Random values that tell a restart from a stray cookie (RFC 9260, section 5.2.2). */
  localTieTag = 0;
  peerTieTag = 0;
  /** Addresses of this side that are the association's. */
  localAddresses: readonly LocalAddress[];
  /** What the peer said that its addresses are, whether a path leads there or not. */
  peerAddresses: readonly IpAddress[] = [];
  peerAdaptationIndication: number | undefined;
  /** Extensions that both sides have, once both INITs are known: see `extensions.ts`. */
  extensions = 0;
  /** What our INIT or INIT ACK said about authentication. */
  localAuth: AuthParameters | undefined;
  /** Exists while both sides have authentication. */
  authentication: Authentication | undefined;
  outboundStreams: number;
  inboundStreams: number;
  /** Highest stream on which a message was queued before the peer's limit was known. */
  highestStreamUsed = 0;
  /** ECN is used: both sides said so. */
  ecnEnabled = false;
  /** Lowest TSN of a packet that arrived with CE and is still to be echoed (RFC 3168). */
  ecnEchoTsn: Tsn | undefined;
  /** Chosen by the user, or the path of the handshake. */
  primary: Path | undefined;
  /** The user chose it. */
  primaryChosen = false;
  /** Path to where the peer may have moved, not proved yet. */
  candidate: Path | undefined;
  /** Path on which DATA arrived last: SACKs leave there. */
  lastDataPath: Path | undefined;
  /** Path that new data used last. */
  currentDataPath: Path | undefined;
  /** SHUTDOWN or SHUTDOWN ACK was sent here last. */
  shutdownPath: Path | undefined;
  /** Cumulative TSN Ack of the SHUTDOWN sent last. */
  shutdownTsn: Tsn | undefined;
  /** The user asked for a shutdown before the association was up. */
  shutdownWanted = false;
  /** What is going on about its streams (RFC 6525), once something was. */
  reconfiguration: Reconfiguration | undefined;
  /** What is going on about its addresses (RFC 5061), once something was. */
  addressing: AddressConfiguration | undefined;
  /** Cookies that went stale during this setup (RFC 9260, section 5.2.6). */
  staleCookies = 0;
  /** The application has been told that there is something to read. */
  readableReported = false;
  /** A send was refused: the application waits for room. */
  wantsRoom = false;
  /** The user waits until everything is acknowledged. */
  wantsDry = false;
  /** Most packets come on the path of the packet before. */
  #lastFound: Path | undefined;
  #nextPathId = 0;
  /** Made when somebody asks for it. */
  #keys: SharedKeys | undefined;
  readonly conditions: SendConditions = {
    dataPath: undefined,
    hurry: false,
    closing: false,
    startTimers: true,
  };

  constructor(host: AssociationHost, setup: AssociationSetup) {
    this.host = host;
    this.setup = setup;
    this.id = setup.id;
    this.incoming = setup.incoming;
    this.localPort = setup.localPort;
    this.remotePort = setup.remotePort;
    this.parameters = setup.parameters;
    this.localTag = setup.localTag;
    this.localAddresses = setup.localAddresses;
    this.outboundStreams = setup.parameters.outboundStreams;
    this.inboundStreams = setup.parameters.inboundStreams;
    this.tx = new Transmission(setup.parameters, host.pool, this.pathList, setup.initialTsn);
    this.#renewTieTags();
  }

  /** Cookies that were made for an incarnation before this one no longer match. */
  #renewTieTags(): void {
    const { random } = this.host.environment;
    this.localTieTag = random.uint32() || 1;
    this.peerTieTag = random.uint32() || 1;
  }

  /** State of RFC 9260, section 4. */
  get state(): AssociationState {
    return this.phase.state;
  }

  /** All paths, in the order in which they were found. */
  get paths(): readonly Path[] {
    return this.pathList;
  }

  /** The path that data prefers. */
  get primaryPath(): Path | undefined {
    return this.primary;
  }

  /** Bytes accepted by {@link send} that the peer has not acknowledged for good. */
  get bufferedBytes(): number {
    return this.tx.bufferedBytes;
  }

  /** Bytes that {@link read} can return now. */
  get readableBytes(): number {
    return this.rx?.readableBytes ?? 0;
  }

  /** Bytes of messages and fragments that were received and not read. */
  get heldBytes(): number {
    return this.rx?.heldBytes ?? 0;
  }

  /**
   * Queues a message; its bytes are copied.
   * @returns false if the send buffer has no room now: a "writable" event follows when it has.
   * @throws SendAfterShutdownError if the association is closing or closed.
   * @throws RangeError if the stream does not exist, the message is empty or can never fit, or a number
   *   of its reliability is out of range.
   */
  send(now: Instant, data: Uint8Array, options: SendOptions): boolean {
    this.#checkSend(data.length, options);
    if (!this.tx.hasRoomFor(data.length) && !makeRoomFor(this, data.length, options)) {
      this.wantsRoom = true;
      return false;
    }
    this.tx.push(now, data, options);
    this.metrics.messagesSent++;
    this.metrics.payloadSent += data.length;
    if (options.stream > this.highestStreamUsed) this.highestStreamUsed = options.stream;
    this.host.touch(this);
    return true;
  }

  #checkSend(length: number, { stream, reliability }: SendOptions): void {
    switch (this.phase.state) {
      case "COOKIE-WAIT":
      case "COOKIE-ECHOED":
        if (!this.shutdownWanted) break;
        // falls through
      case "SHUTDOWN-PENDING":
        throw new SendAfterShutdownError(
          `cannot send on association ${this.id}: its shutdown has begun`,
        );
      case "ESTABLISHED":
        break;
      default:
        throw new SendAfterShutdownError(
          `cannot send on association ${this.id}: it is ${this.phase.state}`,
        );
    }
    if (length === 0) {
      throw new RangeError("cannot send an empty message: SCTP has none (RFC 9260, section 6.2)");
    }
    if (length > this.parameters.sendBuffer) {
      throw new RangeError(
        `cannot send a message of ${length} bytes: sendBuffer is ${this.parameters.sendBuffer}`,
      );
    }
    if (!Number.isInteger(stream) || stream < 0 || stream >= this.outboundStreams) {
      throw new RangeError(
        `cannot send on stream ${stream}: there are ${this.outboundStreams} outbound streams`,
      );
    }
    const fault = reliability && checkReliability(reliability);
    if (fault) throw new RangeError(`cannot send so: ${fault}`);
  }

  /** True if messages of different streams are interleaved (RFC 8260). */
  get interleaves(): boolean {
    return (this.extensions & Extension.Interleaving) !== 0;
  }

  /** True if the peer takes packets without a checksum (RFC 9653). */
  get omitsChecksum(): boolean {
    return (this.extensions & Extension.ZeroChecksum) !== 0;
  }

  /** True if messages with a policy of partial reliability may be given up: the peer has it too. */
  get isPartiallyReliable(): boolean {
    return this.tx.abandons === true;
  }

  /** How many messages were given up, by any policy and on any stream, or by one and on one. */
  countAbandoned(policy?: AbandonPolicy, stream?: number): AbandonedCount {
    return this.tx.abandoned?.count(policy, stream) ?? { unsent: 0, sent: 0 };
  }

  /**
   * Asks for a "send-failed" event for each message that is given up, or not acknowledged when the
   * association is lost or its peer restarts; by default there is none.
   */
  notifySendFailures(wanted: boolean): void {
    this.tx.failures = wanted ? this.tx.failures ?? [] : undefined;
  }

  /**
   * Copies from the message that is first in line into `target` and describes it in `info`.
   * @returns the bytes copied; 0 if there is nothing to read.
   */
  read(_now: Instant, target: Uint8Array, info: ReceiveInfo): number {
    if (!this.rx) return 0;
    const copied = this.rx.read(target, info);
    if (!this.rx.isReadable) this.readableReported = false;
    if (copied > 0) {
      this.metrics.payloadReceived += copied;
      if (info.endOfMessage) this.metrics.messagesReceived++;
      if (this.rx.acks.isDue) this.host.touch(this);
    }
    return copied;
  }

  /** How the outbound streams take turns (RFC 8260, section 3). */
  get streamScheduler(): StreamSchedulerName {
    return this.tx.queue.scheduler;
  }

  /** Has the outbound streams take turns in another way, from the next message on (section 4.3.2). */
  setStreamScheduler(name: StreamSchedulerName): void {
    this.tx.queue.scheduler = name;
  }

  /**
   * Gives an outbound stream its priority, 0 being served first, or its weight (RFC 8260, section
   * 4.3.3): what the scheduler makes of it.
   * @throws RangeError unless the stream and the value are whole numbers from 0 to 65,535.
   */
  setStreamValue(stream: number, value: number): void {
    for (const number of [stream, value]) {
      if (Number.isInteger(number) && number >= 0 && number <= 0xffff) continue;
      throw new RangeError(
        `cannot give stream ${stream} the value ${value}: both take 0 to 65,535`,
      );
    }
    this.tx.queue.setStreamValue(stream, value);
  }

  /** Endpoint pair shared keys (RFC 4895, section 6.1): set, activated and deleted at will. */
  get keys(): SharedKeys {
    return this.#keys ??= new SharedKeys(this.setup.authentication.keys);
  }

  /** True if a deactivated key may still be in use for what is in flight. */
  get haveRetiringKeys(): boolean {
    return this.#keys !== undefined && this.#keys.haveRetiring;
  }

  /**
   * Says that a shared key is not activated again; the event "free-key" tells when nothing in flight
   * was sent with it (RFC 6458, section 8.3.4). What the peer authenticates with it is still taken.
   * @throws RangeError if there is no such key, or it is the active one.
   */
  deactivateSharedKey(id: number): void {
    deactivateKey(this, id);
  }

  /**
   * Has Stream Sequence Numbers start again from 0 (RFC 6525, sections 5.1.2 and 5.1.3): messages of
   * before keep theirs, later ones wait until the peer agrees. A "streams-reset" event tells the
   * result of each direction.
   * @throws ReconfigurationError if the peer cannot be asked, RangeError for streams that do not exist.
   */
  resetStreams(reset: StreamReset): void {
    wantStreamReset(this, reset);
  }

  /**
   * Has TSNs and Stream Sequence Numbers of both sides start again (RFC 6525, section 5.1.4), once all
   * that was sent is acknowledged, and at most every 30 seconds. An "association-reset" event follows.
   * @throws ReconfigurationError if the peer cannot be asked.
   */
  resetAssociation(): void {
    wantAssociationReset(this);
  }

  /**
   * Asks for more streams (RFC 6525, sections 5.1.5 and 5.1.6). "streams-changed" events follow.
   * @param outgoing streams on which this side sends: so many more.
   * @param incoming streams on which the peer sends: so many more.
   * @throws ReconfigurationError if the peer cannot be asked, RangeError for counts that cannot be.
   */
  addStreams(outgoing: number, incoming = 0): void {
    wantStreams(this, outgoing, incoming);
  }

  /**
   * Has an address of this host join the association (RFC 5061; SCTP_BINDX_ADD_ADDR of RFC 6458, section
   * 9.1). A "local-address" event tells what the peer says; the address is used after that.
   * @throws AddressChangeError if the peer cannot be asked, RangeError if the address cannot be added.
   */
  addLocalAddress(now: Instant, address: IpAddress, options: AddAddressOptions = {}): void {
    wantAddress(this, now, address, options);
  }

  /**
   * Has an address of this side leave the association (SCTP_BINDX_REM_ADDR): nothing more is sent from
   * it, and packets are taken there until the peer agrees. A "local-address" event tells.
   * @throws AddressChangeError if the peer cannot be asked, RangeError if it is the last address, or none
   *   of the association's.
   */
  deleteLocalAddress(now: Instant, address: IpAddress): void {
    wantNoAddress(this, now, address);
  }

  /**
   * Asks the peer to prefer an address of this side (SCTP_SET_PEER_PRIMARY_ADDR of RFC 6458, section
   * 8.3.2). A "local-address" event tells.
   * @throws AddressChangeError if the peer cannot be asked, RangeError if it is no address of this side.
   */
  setPeerPrimary(address: IpAddress): void {
    wantPeerPrimary(this, address);
  }

  /** Prefers a path for data (RFC 9260, section 11.1.6). */
  setPrimary(path: Path): void {
    this.primary = path;
    this.primaryChosen = true;
    this.host.touch(this);
  }

  /**
   * Sends a HEARTBEAT on a path now (RFC 9260, section 11.1.10); does nothing before the association
   * is up and once SHUTDOWN or SHUTDOWN ACK was sent (section 8.3).
   */
  requestHeartbeat(now: Instant, path: Path): void {
    if (!isMonitored(this)) return;
    sendHeartbeat(this, now, path);
    this.host.touch(this);
  }

  /** Ends the association after everything queued has been delivered (RFC 9260, section 9.2). */
  shutdown(now: Instant): void {
    beginShutdown(this, now);
    this.host.touch(this);
  }

  /** Ends the association at once (RFC 9260, section 9.1). */
  abort(now: Instant, reason: Uint8Array = new Uint8Array(0)): void {
    abortAssociation(this, now, reason);
  }

  /**
   * Asks for one "sender-dry" event once nothing is left to be sent or acknowledged: at once if
   * that is so now (RFC 6458, section 6.1.9).
   */
  notifyWhenDry(): void {
    this.wantsDry = true;
    this.reportDry();
    this.host.touch(this);
  }

  /** Gives up what was received and not read; for a user who has lost interest. */
  discardReceived(): void {
    this.rx?.clear(true);
    this.readableReported = false;
  }

  /** The earliest deadline of any timer. */
  get nextDeadline(): Instant {
    let earliest: number = this.timers.earliest;
    for (const path of this.pathList) earliest = Math.min(earliest, path.timers.earliest);
    return earliest as Instant;
  }

  /** Handles every timer that is due. */
  handleTimeout(now: Instant): void {
    handleAssociationTimers(this, now);
    this.host.touch(this);
  }

  /** Writes what may leave now; returns true if the batch was too small for it. */
  transmit(now: Instant, batch: PacketBatch): boolean {
    return transmitAssociation(this, now, batch);
  }

  /** The path between two addresses, if there is one. */
  findPath(local: IpAddress, remote: IpAddress): Path | undefined {
    if (this.#lastFound?.joins(local, remote)) return this.#lastFound;
    const found = this.pathList.find((path) => path.joins(local, remote));
    if (found) this.#lastFound = found;
    return found;
  }

  /** Adds a path; it starts unconfirmed. */
  addPath(now: Instant, local: IpAddress, remote: IpAddress): Path {
    const port = this.pathList[0]?.route.encapsulationPort ?? this.setup.encapsulationPort;
    const { length: index } = this.pathList;
    const path = new Path(this.#nextPathId++, index, local, remote, port, this.parameters, now);
    this.pathList.push(path);
    this.fitPayload();
    this.host.claimAddress(this, remote);
    return path;
  }

  /** Takes a path off the list; nothing in flight names it, nor does any other part refer to it. */
  dropPath(path: Path): void {
    this.pathList.splice(path.index, 1);
    this.pathList.forEach((each, index) => each.index = index);
    if (this.#lastFound === path) this.#lastFound = undefined;
    if (this.candidate === path) this.candidate = undefined;
    if (!this.isPeerAddress(path.remote)) this.host.releaseAddress(this, path.remote);
    this.fitPayload();
  }

  /** The path with this number. */
  pathOf(id: number): Path | undefined {
    return this.pathList.find((path) => path.id === id);
  }

  /** What fits into a DATA chunk may have changed: paths, or AUTH chunks in front of DATA. */
  fitPayload(): void {
    const { authentication } = this;
    const auth = authentication?.mustSend(this.tx.chunkType) ? authentication.chunkLength : 0;
    const overhead = auth + this.tx.headerLength - DATA_HEADER_LENGTH;
    for (const path of this.pathList) path.dataOverhead = overhead;
    this.tx.updateChunkPayload();
  }

  /** The peer is reached on this UDP port of the path from now on, or without UDP if it is 0. */
  useEncapsulation(path: Path, port: number): void {
    if (path.route.encapsulationPort === port) return;
    path.encapsulationPort = port;
    this.tx.updateChunkPayload();
  }

  /** True while one more path is within the bound that keeps a peer from making them without end. */
  get mayAddPath(): boolean {
    return this.pathList.length < MAX_PATHS;
  }

  /** Starts to probe a path that was found while the association is up. */
  probe(now: Instant, path: Path): void {
    startHeartbeat(path, now);
  }

  /** True if `address` is one of the peer's. */
  isPeerAddress(address: IpAddress): boolean {
    for (const path of this.pathList) if (path.remote.equals(address)) return true;
    return false;
  }

  /** False for an address of this host that the association had and gave up (RFC 5061). */
  isReachedAt(address: IpAddress): boolean {
    return !this.addressing?.departed.some((each) => each.equals(address));
  }

  /** True if the peer has named `address`, or the user has. */
  knowsPeerAddress(address: IpAddress): boolean {
    return this.isPeerAddress(address) || this.peerAddresses.some((one) => one.equals(address));
  }

  /** Tells a user whose send was refused that there is room again. */
  reportRoom(): void {
    if (!this.wantsRoom || !this.tx.hasRoomFor(this.parameters.sendBuffer / 4)) return;
    this.wantsRoom = false;
    this.host.emit({ kind: "writable", association: this });
  }

  /** Tells a user who waits for it that everything is acknowledged. */
  reportDry(): void {
    if (!this.wantsDry || !this.tx.isEmpty) return;
    this.wantsDry = false;
    this.host.emit({ kind: "sender-dry", association: this });
  }

  /** Queues a control chunk. */
  sendControl(chunk: Uint8Array, path: Path, alone = false, zeroTag = false): void {
    this.control.push({ chunk, path, alone, zeroTag });
  }

  /** Queues a HEARTBEAT that probes the path MTU with a packet of this many bytes. */
  sendProbe(chunk: Uint8Array, path: Path, padTo: number): void {
    this.control.push({ chunk, path, alone: true, zeroTag: false, padTo });
  }

  /** Queues COOKIE ECHO or COOKIE ACK: they come first in their packet (RFC 9260, section 5.1). */
  sendFirst(chunk: Uint8Array, path: Path): void {
    this.control.unshift({ chunk, path, alone: false, zeroTag: false });
  }

  /** Sends one chunk at once and outside the queue: the last word of an association. */
  sendLast(chunk: Uint8Array, path: Path): void {
    this.sendApart(chunk, path.controlRoute);
  }

  /** Sends one chunk at once where no path leads, or none that data may take. */
  sendApart(chunk: Uint8Array, route: Route): void {
    const { authentication, localPort, remotePort } = this;
    const whole = authentication ? authentication.protect(chunk) : chunk;
    this.host.reply(route, localPort, remotePort, this.peerTag, whole);
  }

  /**
   * The peer has restarted (RFC 9260, section 5.2.4, A): everything in transfer is gone, paths start
   * again from their initial values, tags and TSNs are new.
   */
  beginNewIncarnation(now: Instant, localTag: number, initialTsn: Tsn): void {
    const oldTag = this.localTag;
    this.localTag = localTag;
    this.host.retag(this, oldTag);
    this.#renewTieTags();
    this.timers.stopAll();
    this.control.length = 0;
    reportUndelivered(this);
    this.tx.clear();
    if (this.haveRetiringKeys) reportFreeKeys(this);
    this.candidate = undefined;
    for (const path of this.pathList.filter(({ standing }) => standing === "joining")) {
      this.dropPath(path);
    }
    for (const path of this.pathList) path.reset(now);
    const old = this.tx;
    this.tx = new Transmission(this.parameters, this.host.pool, this.pathList, initialTsn);
    this.tx.continueLike(old);
    this.tx.updateChunkPayload();
    this.reconfiguration = undefined;
    this.addressing = undefined;
    this.readableReported = false;
    this.ecnEchoTsn = undefined;
    this.lastDataPath = undefined;
  }

  /** Enters CLOSED and releases what only a living association needs. */
  close(): void {
    this.phase = { state: "CLOSED" };
    this.timers.stopAll();
    for (const path of this.pathList) path.timers.stopAll();
    this.control.length = 0;
    this.tx.clear();
    this.host.forget(this);
  }

  /** Ends other than by a completed shutdown: reports why and drops what was received. */
  lose(reason: LossReason): void {
    if (this.phase.state === "CLOSED") return;
    reportUndelivered(this);
    this.close();
    this.rx?.clear(true);
    this.host.emit({ kind: "communication-lost", association: this, reason });
  }
}
