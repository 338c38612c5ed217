/** What may carry a connection: an association of its own, or a stream of a trunk. */
import type { Association } from "../sctp/association.ts";
import type { AddressFamily, IpAddress } from "../sctp/base/address.ts";
import type { Instant } from "../sctp/base/time.ts";
import { CONTROL } from "./bridge.ts";
import { associationStatus, isShimPeer } from "./bridged.ts";
import { encodeControlMessage } from "./control_message.ts";
import type { AssociationWish, Connection, Owner } from "./plane.ts";
import type { AssociationShimState } from "./shim_state.ts";
import type { LinkStatus } from "./status.ts";
import type { Carrier } from "./stream_socket.ts";

/** The client of a connection that has come in. */
export interface RemoteClient {
  readonly port: number;
  /** Its address; with a family, the one that it has of that. */
  address(family?: AddressFamily): IpAddress | undefined;
}

/** A way by which a connection's bytes go. */
export interface Link {
  readonly carrier: Carrier;
  readonly peerIsShim: boolean;
  /** There is nothing to set up: no "communication-up" follows. */
  readonly isUp: boolean;
  /** The far end. */
  readonly remote: RemoteClient;
  /** What was wished for; `undefined` if the peer has set it up. */
  readonly wish: AssociationWish | undefined;
  /** From now on its notifications go to the connection. */
  own(connection: Connection): void;
  /** Tells the client's shim, whose application may be waiting for it, that the server has taken it. */
  announce(now: Instant): void;
  /**
   * Whether the application uses an address of this host that this way does not start from: it has
   * bound that of another interface, say. The server would know it by a different one.
   */
  isOtherwiseBound(source: IpAddress): boolean;
  /** What the status shows of it. */
  status(shimState: AssociationShimState): LinkStatus;
}

/** An association that carries one connection. */
export class AssociationLink implements Link {
  readonly #owners: Map<Association, Owner>;
  readonly #takesTrunks: boolean;

  /**
   * @param owners whom the notifications of which association go to.
   * @param takesTrunks whether the peer may set up a trunk as well.
   */
  constructor(
    readonly carrier: Association,
    owners: Map<Association, Owner>,
    takesTrunks: boolean,
    readonly wish: AssociationWish | undefined,
  ) {
    this.#owners = owners;
    this.#takesTrunks = takesTrunks;
  }

  get peerIsShim(): boolean {
    return isShimPeer(this.carrier);
  }

  get isUp(): boolean {
    return false;
  }

  get remote(): RemoteClient {
    const { carrier } = this;
    return { port: carrier.remotePort, address: (family) => remoteAddressOf(carrier, family) };
  }

  own(connection: Connection): void {
    this.#owners.set(this.carrier, connection);
  }

  announce(now: Instant): void {
    if (this.carrier.state !== "ESTABLISHED" || !this.peerIsShim) return;
    const message = encodeControlMessage({ kind: "connected", takesTrunks: this.#takesTrunks });
    this.carrier.send(now, message, CONTROL);
  }

  isOtherwiseBound(source: IpAddress): boolean {
    const { primaryPath, setup } = this.carrier;
    if (primaryPath?.local.equals(source)) return false;
    return setup.localAddresses.some(({ address }) => address.equals(source));
  }

  status(shimState: AssociationShimState): LinkStatus {
    return { association: associationStatus(this.carrier, shimState), stream: undefined };
  }
}

/** An address of the peer's, that of the primary path if it is of the family. */
export function remoteAddressOf(
  { primaryPath, paths }: Pick<Association, "primaryPath" | "paths">,
  family = primaryPath?.remote.family,
): IpAddress | undefined {
  if (primaryPath?.remote.family === family) return primaryPath?.remote;
  return paths.find(({ remote }) => remote.family === family)?.remote;
}
