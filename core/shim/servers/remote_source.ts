/** Connecting to a local server in the name of the remote client (Bickhart 2005, section 2.5.3). */
import { EADDRINUSE, EADDRNOTAVAIL } from "../../net/constants.ts";
import type { SocketAddress } from "../../net/sockaddr.ts";
import { SystemError } from "../../net/system_error.ts";
import { connectTransparent } from "../../net/transparent.ts";
import type { Association } from "../../sctp/association.ts";
import type { Plane } from "../plane.ts";
import { type Connect, plainConnect } from "../tcp_dial.ts";

/**
 * Connections that come from the client's own address and port, where they can: a server of one
 * family has no address for a client that has only the other, and gets a connection of this host's.
 * A port that is taken, by a TCP connection of that client, is replaced by another one.
 * @param instance number of the routing that is in place for that.
 */
export function connectFromRemote(
  plane: Pick<Plane, "mark">,
  association: Association,
  instance: number,
): Connect {
  const plain = plainConnect(plane);
  return (server) => {
    const address = remoteAddressOf(association, server.address.family);
    if (!address) return plain(server);
    const source = { address, port: association.remotePort };
    try {
      return connectTransparent(source, server, instance);
    } catch (error) {
      if (!isTaken(error)) throw error;
      return connectTransparent({ address, port: 0 }, server, instance);
    }
  };
}

/** The client's address of a family, that of the primary path if it has it. */
function remoteAddressOf(
  { primaryPath, paths }: Association,
  family: 4 | 6,
): SocketAddress["address"] | undefined {
  if (primaryPath?.remote.family === family) return primaryPath.remote;
  return paths.find(({ remote }) => remote.family === family)?.remote;
}

function isTaken(error: unknown): boolean {
  return error instanceof SystemError &&
    (error.errno === EADDRINUSE || error.errno === EADDRNOTAVAIL);
}
