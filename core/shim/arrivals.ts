/** What peers have set up for a connection, an association or a stream, and whom it goes to. */
import type { Association } from "../sctp/association.ts";
import type { IpAddress } from "../sctp/base/address.ts";
import type { Instant } from "../sctp/base/time.ts";
import { encodeControlMessage, ResetReason, TRUNK_ADAPTATION } from "./control_message.ts";
import type { Link } from "./link.ts";
import type { FrontPlane } from "./plane.ts";
import { ServerConnection, type ServeTarget } from "./server_connection.ts";
import type { Service } from "./servers/service.ts";
import type { Carrier } from "./stream_socket.ts";
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
   * @param reached the address of this host, unless the client has not reached it.
   */
  welcomeStream(
    now: Instant,
    stream: TrunkStream,
    port: number,
    reached: IpAddress | undefined,
  ): void {
    const target = reached && this.#service.targetOf(port, reached);
    const reason = this.#whyNot(target, reached ? ResetReason.NotServed : ResetReason.Busy);
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
