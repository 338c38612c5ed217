/**
 * The front for kernels without NFQUEUE: connections come redirected, and are accepted before
 * anything is known of the server.
 *
 * What an application can see of that, compared with a held SYN: connect() always succeeds, and a
 * server that refuses shows as a reset afterwards; a connection that falls back to TCP passes through
 * the shim, so the server sees the same address but another port.
 */
import type { SocketAddress } from "../../net/sockaddr.ts";
import type { TcpSocket } from "../../net/tcp_socket.ts";
import { ClientConnection } from "../client_connection.ts";
import { formatHostPort } from "../endpoint_spec.ts";
import type { FrontPlane } from "../plane.ts";

/** Takes a connection that the application made from `source` to `destination`. */
export function acceptRedirected(
  plane: FrontPlane,
  socket: TcpSocket,
  source: SocketAddress,
  destination: SocketAddress,
): void {
  const { address, port } = destination;
  const { table, settings } = plane.configuration;
  const { enabled } = table.match("remote", address, port);
  const connection = new ClientConnection(plane, plane.nextId(), socket, source, {
    name: formatHostPort(address.text, port),
    addresses: [address],
    port,
    fallback: true,
    localAddress: source.address,
  });
  plane.adopt(connection);
  connection.begin(plane.now(), {
    enabledBy: enabled ? "rules" : "nothing",
    headStart: settings.headStart,
    awaitServer: false,
  });
}
