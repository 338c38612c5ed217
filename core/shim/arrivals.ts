/** What peers have set up for a connection, an association or a stream, and whom it goes to. */
import type { Association } from "../sctp/association.ts";
import type { Instant } from "../sctp/base/time.ts";
import { encodeControlMessage, ResetReason, TRUNK_ADAPTATION } from "./control_message.ts";
import type { Link } from "./link.ts";
import type { FrontPlane } from "./plane.ts";
import { ServerConnection, type ServeTarget } from "./server_connection.ts";
import type { Service } from "./servers/service.ts";
import type { Carrier } from "./stream_socket.ts";
import type { OpenMessage } from "./trunk/trunk_message.ts";
import type { TrunkStream } from "./trunk/trunk_stream.ts";
import type { Trunks } from "./trunk/trunks.ts";

/** What is asked of the data plane. */
export interface ArrivalsPlane extends FrontPlane {
  /** It takes nothing more. */
  readonly isStopping: boolean;
  /** An association as what carries a connection. */
  linkOf(association: Association): Link;
}

export class Arrivals {
  readonly #plane: ArrivalsPlane;
  readonly #service: Service;
  readonly #trunks: Trunks;

  constructor(plane: ArrivalsPlane, service: Service, trunks: Trunks) {
    this.#plane = plane;
    this.#service = service;
    this.#trunks = trunks;
  }

  /** An association is up: for a connection to the server at its port, or as a trunk. */
  welcome(now: Instant, association: Association): void {
    const { localPort, primaryPath, peerAdaptationIndication } = association;
    if (peerAdaptationIndication === TRUNK_ADAPTATION) {
      if (this.#plane.isStopping) return turnAway(now, association, ResetReason.Stopping);
      return this.#trunks.accept(now, association);
    }
    const target = this.#service.targetOf(localPort, primaryPath?.local);
    const reason = this.#whyNot(target, ResetReason.Refused);
    if (reason !== undefined || !target) return turnAway(now, association, reason);
    this.#plane.counters.associated++;
    this.#bring(this.#plane.linkOf(association), target);
  }

  /**
   * A stream is open: for a connection to a server that an association would have reached.
   * @param isReached the client has reached this host at the address that it names.
   */
  welcomeStream(
    now: Instant,
    stream: TrunkStream,
    { destination: { address, port } }: OpenMessage,
    isReached: boolean,
  ): void {
    const target = isReached ? this.#service.targetOf(port, address) : undefined;
    const reason = this.#whyNot(target, isReached ? ResetReason.NotServed : ResetReason.Busy);
    if (reason !== undefined || !target) return turnAway(now, stream, reason);
    this.#bring(stream, target);
  }

  #whyNot(target: ServeTarget | undefined, unserved: ResetReason): ResetReason | undefined {
    if (this.#plane.isStopping) return ResetReason.Stopping;
    if (!target) return unserved;
    return this.#plane.isCrowded ? ResetReason.Busy : undefined;
  }

  #bring(link: Link, target: ServeTarget): void {
    this.#plane.adopt(new ServerConnection(this.#plane, this.#plane.nextId(), link, target));
  }
}

/** Ends what carries nothing, and says why. */
export function turnAway(
  now: Instant,
  carrier: Pick<Carrier, "abort">,
  reason: ResetReason = ResetReason.Refused,
): void {
  carrier.abort(now, encodeControlMessage({ kind: "reset", reason }));
}
