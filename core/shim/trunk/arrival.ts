/** What a trunk vouches for in an OPEN: no more than an association of the connection's own would. */
import type { Association } from "../../sctp/association.ts";
import type { IpAddress } from "../../sctp/base/address.ts";
import { remoteAddressOf, type RemoteClient } from "../link.ts";
import type { OpenMessage } from "./trunk_message.ts";

/** True if the peer has reached this host at the address. */
export function isReachedAt({ paths }: Pick<Association, "paths">, address: IpAddress): boolean {
  return paths.some(({ local, isConfirmed, metrics }) =>
    local.equals(address) && (isConfirmed || metrics.packetsReceived > 0)
  );
}

/** The client of a connection: it is believed where it says that it is if the peer has proved to be there. */
export function clientOf(
  association: Pick<Association, "paths" | "primaryPath">,
  { address: named, port }: OpenMessage["source"],
): RemoteClient {
  const isProved = association.paths.some(({ remote, isConfirmed }) =>
    isConfirmed && remote.equals(named)
  );
  const own = isProved ? named : undefined;
  return {
    port,
    address: (family = own?.family) =>
      own?.family === family ? own : remoteAddressOf(association, family),
  };
}
