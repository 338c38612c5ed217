/** Connecting to a local server in the name of the remote client (Bickhart 2005, section 2.5.3). */
import { EADDRINUSE, EADDRNOTAVAIL } from "../../net/constants.ts";
import { SystemError } from "../../net/system_error.ts";
import { connectTransparent } from "../../net/transparent.ts";
import type { RemoteClient } from "../link.ts";
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
  client: RemoteClient,
  instance: number,
): Connect {
  const plain = plainConnect(plane);
  return (server) => {
    const address = client.address(server.address.family);
    if (!address) return plain(server);
    const source = { address, port: client.port };
    try {
      return connectTransparent(source, server, instance);
    } catch (error) {
      if (!isTaken(error)) throw error;
      return connectTransparent({ address, port: 0 }, server, instance);
    }
  };
}

function isTaken(error: unknown): boolean {
  return error instanceof SystemError &&
    (error.errno === EADDRINUSE || error.errno === EADDRNOTAVAIL);
}
