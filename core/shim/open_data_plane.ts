/** Puts a data plane together: packet transport, engine, clock. */
import { monotonicNow } from "../net/clock.ts";
import { Wakeup } from "../net/epoll.ts";
import { Heartbeat } from "../net/queue_watchdog.ts";
import type { AuthenticationOptions } from "../sctp/auth/options.ts";
import type { SharedKey } from "../sctp/auth/shared_keys.ts";
import { IpAddress } from "../sctp/base/address.ts";
import { Endpoint } from "../sctp/endpoint.ts";
import { LISTABLE_CHUNKS } from "../sctp/wire/auth_parameters.ts";
import { openTransport, type Transport } from "../socket/transport.ts";
import { CommandRing } from "../net/command_ring.ts";
import { CutIo } from "./cut_io.ts";
import { DataPlane } from "./data_plane.ts";
import type { Report, StartMessage, TransportConfig } from "./protocol.ts";
import { warmUp } from "./warm_up.ts";

/**
 * Opens everything that the message asks for.
 * @throws SystemError, RangeError or TypeError with what is not to be had.
 */
export function openDataPlane(start: StartMessage, report: (report: Report) => void): DataPlane {
  const { config, commands, wakeup, heartbeat } = start;
  const { io, environment, memory, pages, allocate } = openConfigured(config.transport);
  try {
    const authentication = authenticationBy(config.keys ?? []);
    warmUp(environment, memory, pages.copy, authentication);
    return new DataPlane({
      config,
      endpoint: new Endpoint(environment, {
        localAddresses: io.localAddresses,
        pages,
        // A keystroke never waits for more of its kind; no peer may leave bytes of a stream out.
        parameters: { noDelay: 1, partialReliability: 0, ...config.parameters },
        authentication,
      }),
      io: new CutIo(io),
      memory,
      allocate,
      commands: new CommandRing(commands),
      wakeup: new Wakeup(wakeup),
      heartbeat: new Heartbeat(heartbeat),
      clock: monotonicNow,
      report,
    });
  } catch (error) {
    io.close();
    throw error;
  }
}

/**
 * With keys, everything that the peers can authenticate they must. Without, an attempt at a server
 * that has keys falls back to TCP at once: it would only be ignored.
 */
function authenticationBy(keys: readonly SharedKey[]): AuthenticationOptions {
  return { keys, chunks: keys.length > 0 ? LISTABLE_CHUNKS : [], nullKeySuffices: false };
}

function openConfigured(transport: TransportConfig): Transport {
  return openTransport({
    transport: transport.kind,
    udpPort: transport.kind === "raw" ? undefined : transport.port,
    localAddresses: transport.addresses.map(IpAddress.parse),
  });
}
