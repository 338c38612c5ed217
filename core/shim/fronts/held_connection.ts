/**
 * A connection whose SYN the kernel holds: it gets its verdict once the attempt has come to one.
 *
 * "Direct" is the kernel's own TCP, end to end: this object knows nothing of it from then on. A SYN
 * whose application has gone meanwhile is dropped, lest a connection appear that nobody asked for.
 */
import { formatHostPort } from "../endpoint_spec.ts";
import { ClientConnection } from "../client_connection.ts";
import { encodeControlMessage, ResetReason } from "../control_message.ts";
import type { Link } from "../link.ts";
import type { Connection, LinkEvent, Plane } from "../plane.ts";
import { Attempt, type Step } from "../policy/attempt.ts";
import type { Refusal } from "../policy/refusal.ts";
import { type ConnectionStatus, NO_LINK } from "../status.ts";
import type { TcpSyn } from "../../net/tcp_syn.ts";
import type { TcpSocket } from "../../net/tcp_socket.ts";
import { after, earlier, type Instant, isDue, NEVER } from "../../sctp/base/time.ts";

/** What becomes of a held SYN. */
export type Sentence = "direct" | "carry" | "drop" | Refusal;

/** The front that holds the SYN. */
export interface Holder {
  /** Gives the verdict. */
  sentence(held: HeldSyn, sentence: Sentence): void;
  /** Whether the application's socket is still connecting. */
  stillWaits(held: HeldSyn): boolean;
  /** The connection is over for the front; from now on retransmissions of its SYN go by TCP. */
  release(held: HeldSyn): void;
}

/** A SYN that waits for its verdict. */
export interface HeldSyn extends TcpSyn {
  /** What the kernel calls the packet. */
  readonly packet: number;
  readonly interfaceIndex: number;
  /** By hand if the application was named, and the rules leave its connection out. */
  readonly enabledBy: "rules" | "manual";
  /** Names the connection among those of the front. */
  readonly key: string;
}

/** Milliseconds between two looks whether the application still waits. */
const LOOK_INTERVAL = 500;

/** Milliseconds from the verdict until the kernel has brought the connection. */
const ACCEPT_PATIENCE = 5000;

type Phase =
  /** The SYN is held. */
  | "held"
  /** The kernel has it; the association is tried for what can be learnt. */
  | "released"
  /** It was sent to the shim, and is not accepted yet. */
  | "granted"
  | "over";

export class HeldConnection implements Connection {
  readonly #plane: Plane;
  readonly #holder: Holder;
  readonly #held: HeldSyn;
  readonly #attempt: Attempt;
  readonly #name: string;
  #phase: Phase = "held";
  #link: Link | undefined;
  /** What happened to it after the verdict. */
  readonly #later: LinkEvent[] = [];
  #looksAt: Instant = NEVER;
  #logged = "";

  /** Follow it by {@link begin}. */
  constructor(plane: Plane, readonly id: number, held: HeldSyn, holder: Holder) {
    this.#plane = plane;
    this.#holder = holder;
    this.#held = held;
    const { address, port } = held.destination;
    this.#name = formatHostPort(address.text, port);
    this.#attempt = new Attempt({
      cache: plane.cache,
      address,
      port,
      name: this.#name,
      encapsulations: plane.encapsulations,
      enabledBy: held.enabledBy,
      headStart: plane.configuration.settings.headStart,
      tcpIsFinal: true,
      awaitServer: true,
    });
  }

  begin(now: Instant): void {
    this.#looksAt = after(now, LOOK_INTERVAL);
    this.#do(now, this.#attempt.start(now));
  }

  get over(): boolean {
    return this.#phase === "over";
  }

  /** True if `syn`, between the same addresses and ports, is the held one again. */
  isRetransmittedBy(syn: TcpSyn): boolean {
    return syn.sequenceNumber === this.#held.sequenceNumber;
  }

  /** The verdict for the held SYN when TCP sends it again: the first one may have been lost. */
  get retransmissionSentence(): Sentence {
    if (this.#phase === "held") return "drop";
    return this.#phase === "granted" ? "carry" : "direct";
  }

  run(now: Instant): boolean {
    if (isDue(this.#attempt.deadline, now)) this.#do(now, this.#attempt.handleTimeout(now));
    if (isDue(this.#looksAt, now)) this.#look(now);
    this.#setAlarm();
    return false;
  }

  handleEvent(now: Instant, event: LinkEvent): void {
    if (this.#phase === "granted") this.#later.push(event);
    else if (event.kind === "communication-up") {
      this.#do(now, this.#attempt.handleUp(now, this.#link?.peerIsShim ?? false));
    } else if (event.kind === "readable") this.#do(now, this.#attempt.handleServerConnected());
    else if (event.kind === "communication-lost") {
      this.#link = undefined;
      const tcpIsSilent = this.#phase === "released" && this.#holder.stillWaits(this.#held);
      this.#do(now, this.#attempt.handleLoss(now, event.reason, tcpIsSilent));
    } else if (event.kind === "trunk-lost") this.#do(now, this.#attempt.handleTrunkLost());
  }

  /** The application's connection, which the kernel has brought; `undefined` if it is none of ours. */
  accept(now: Instant, socket: TcpSocket): ClientConnection | undefined {
    const link = this.#link;
    if (this.#phase !== "granted" || !link) return undefined;
    const { source, destination: { address, port } } = this.#held;
    const target = { name: this.#name, addresses: [address], port, fallback: false };
    const connection = new ClientConnection(this.#plane, this.id, socket, source, target);
    this.#leave();
    connection.adopt(now, link, this.#later);
    return connection;
  }

  /** The daemon stops, or has lost the queue: whatever is held goes by TCP. */
  stop(now: Instant): void {
    if (this.#phase === "granted") return this.#forsake(now, "the shim was stopped");
    this.#attempt.abandon("the shim was stopped: TCP");
    this.#useTcp(now);
  }

  status(): ConnectionStatus {
    return {
      id: this.id,
      side: "client",
      state: this.#attempt.state,
      reason: this.#attempt.reason,
      carrier: this.#phase === "released" ? "tcp" : undefined,
      local: formatHostPort(this.#held.source.address.text, this.#held.source.port),
      remote: this.#name,
      bytesOut: 0,
      bytesIn: 0,
      ...(this.#link?.status("HIDDEN") ?? NO_LINK),
    };
  }

  #do(now: Instant, step: Step): void {
    if (this.over) return;
    this.#note();
    switch (step.kind) {
      case "wait":
        return this.#setAlarm();
      case "associate":
        return this.#associate(now);
      case "try-tcp":
        return this.#handBack(now);
      case "use-tcp":
        return this.#useTcp(now);
      case "carry":
        return this.#carry(now);
      case "refuse":
        return this.#refuse(now, step.refusal);
      default:
        return step satisfies never;
    }
  }

  #associate(now: Instant): void {
    const { source, destination: { address, port } } = this.#held;
    let link: Link;
    try {
      link = this.#link = this.#plane.connect({
        addresses: [address],
        port,
        localPort: source.port,
        localAddress: source.address,
        encapsulation: this.#attempt.encapsulation,
      });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return this.#do(now, this.#attempt.handleNoWay(error.message));
    }
    if (link.isOtherwiseBound(source.address)) {
      return this.#do(now, this.#attempt.handleNoWay("it comes from an address of another link"));
    }
    link.own(this);
    if (link.isUp) this.#do(now, this.#attempt.handleUp(now, link.peerIsShim, true));
    this.#setAlarm();
    if (isDue(this.#attempt.deadline, now)) this.#do(now, this.#attempt.handleTimeout(now));
  }

  /** Gives the SYN to the kernel's TCP, and stays to learn about the peer. */
  #handBack(now: Instant): void {
    if (!this.#give(now, "direct")) return;
    this.#phase = "released";
    this.#plane.counters.fellBack++;
    this.#setAlarm();
  }

  #useTcp(now: Instant): void {
    if (this.#phase === "held") {
      if (!this.#give(now, "direct")) return;
      this.#plane.counters.fellBack++;
    }
    this.#drop(now);
    this.#finish("direct");
  }

  #carry(now: Instant): void {
    if (!this.#give(now, "carry")) return;
    this.#phase = "granted";
    this.#looksAt = after(now, ACCEPT_PATIENCE);
    this.#setAlarm();
  }

  #refuse(now: Instant, refusal: Refusal): void {
    if (this.#give(now, refusal)) this.#finish("refused");
  }

  /** Gives the verdict; false if the application has gone, and so the connection is over. */
  #give(now: Instant, sentence: Sentence): boolean {
    if (!this.#holder.stillWaits(this.#held)) {
      this.#giveUp(now);
      return false;
    }
    this.#holder.sentence(this.#held, sentence);
    return true;
  }

  #look(now: Instant): void {
    if (this.#phase === "granted") return this.#forsake(now, "the connection never arrived");
    this.#looksAt = after(now, LOOK_INTERVAL);
    if (this.#phase === "held" && !this.#holder.stillWaits(this.#held)) this.#giveUp(now);
  }

  #giveUp(now: Instant): void {
    this.#holder.sentence(this.#held, "drop");
    this.#forsake(now, "the application gave up while its SYN was held");
  }

  #forsake(now: Instant, why: string): void {
    this.#attempt.abandon(why);
    this.#note();
    this.#drop(now);
    this.#finish("broken");
  }

  #drop(now: Instant): void {
    const carrier = this.#link?.carrier;
    this.#link = undefined;
    if (!carrier || carrier.state === "CLOSED") return;
    const reason = ResetReason.Superseded;
    carrier.abort(now, encodeControlMessage({ kind: "reset", reason }));
  }

  #finish(how: "direct" | "refused" | "broken"): void {
    const carrier = how === "direct" ? "tcp" : undefined;
    this.#plane.ended(this, how, { ...this.status(), carrier });
    this.#leave();
  }

  #leave(): void {
    this.#phase = "over";
    this.#link = undefined;
    this.#plane.wake(this, NEVER);
    this.#plane.schedule(this);
    this.#holder.release(this.#held);
  }

  #setAlarm(): void {
    if (this.over) return;
    this.#plane.wake(this, earlier(this.#attempt.deadline, this.#looksAt));
  }

  #note(): void {
    const { state, reason } = this.#attempt;
    const text = `${state}, ${reason}`;
    if (text === this.#logged) return;
    this.#logged = text;
    const { address, port } = this.#held.source;
    const local = formatHostPort(address.text, port);
    this.#plane.log("info", `connection ${this.id} from ${local} to ${this.#name}: ${text}`);
  }
}
