/** What a trunk vouches for in an OPEN: no more than an association of the connection's own would. */
import type { Association } from "../../sctp/association.ts";
import type { IpAddress } from "../../sctp/base/address.ts";
import { remoteAddressOf, type RemoteClient } from "../link.ts";
import type { OpenMessage } from "./trunk_message.ts";

/** What is looked at of a trunk. */
export type Arrived = Pick<Association, "paths" | "primaryPath"> & {
  readonly host: Pick<Association["host"], "localAddresses">;
};

/**
 * The address of this host that the client means by `named`, if it has reached it. One that the host
 * has not is a translator's in front of it: then it is the address to which that leads.
 */
export function reachedAddress(
  { paths, primaryPath, host }: Arrived,
  named: IpAddress,
): IpAddress | undefined {
  const isOurs = host.localAddresses.some(({ address }) => address.equals(named));
  if (!isOurs) return primaryPath?.local;
  const isReached = paths.some(({ local, isConfirmed, metrics }) =>
    local.equals(named) && (isConfirmed || metrics.packetsReceived > 0)
  );
  return isReached ? named : undefined;
}

/** The client of a connection: it is believed where it says that it is if the peer has proved to be there. */
export function clientOf(
  association: Omit<Arrived, "host">,
  { address: named, port }: OpenMessage["source"],
): RemoteClient {
  const isProved = association.paths.some(({ remote, isConfirmed }) =>
    isConfirmed && remote.equals(named)
  );
  const own = isProved ? named : undefined;
  return {
    port,
    address: (family = own?.family) =>
      own && own.family === family ? own : remoteAddressOf(association, family),
  };
}
