/** Puts a data plane together: transport, checksum memory, engine, clock and randomness. */
import { monotonicNow } from "../net/clock.ts";
import { Wakeup } from "../net/epoll.ts";
import { hmacSha256 } from "../net/keyed_hash.ts";
import type { PacketIo } from "../net/packet_io.ts";
import { openRawIo } from "../net/raw_io.ts";
import { SystemRandom } from "../net/system_random.ts";
import { openUdpIo } from "../net/udp_io.ts";
import { IpAddress } from "../sctp/base/address.ts";
import { createPacketMemory } from "../sctp/checksum/simd.ts";
import { Endpoint } from "../sctp/endpoint.ts";
import { BATCH_BYTES } from "../socket/pump.ts";
import { CommandRing } from "./command_ring.ts";
import { CutIo } from "./cut_io.ts";
import { DataPlane } from "./data_plane.ts";
import type { Report, StartMessage, TransportConfig } from "./protocol.ts";

/** Packets that wait in both directions, and room for what a transport keeps beside them. */
const PACKET_MEMORY = 8 << 20;

/**
 * Opens everything that the message asks for.
 * @throws SystemError, RangeError or TypeError with what is not to be had.
 */
export function openDataPlane(start: StartMessage, report: (report: Report) => void): DataPlane {
  const { config, commands, wakeup } = start;
  const memory = createPacketMemory(PACKET_MEMORY);
  const io = openTransport(config.transport, memory.allocate);
  const endpoint = new Endpoint(
    { random: new SystemRandom(), keyedHash: hmacSha256, crc32c: memory.crc32c },
    {
      localAddresses: io.localAddresses,
      // A keystroke never waits for more of its kind.
      parameters: { noDelay: 1, ...config.parameters },
    },
  );
  return new DataPlane({
    config,
    endpoint,
    io: new CutIo(io),
    memory: memory.allocate(BATCH_BYTES),
    commands: new CommandRing(commands),
    wakeup: new Wakeup(wakeup),
    clock: monotonicNow,
    report,
  });
}

function openTransport(
  transport: TransportConfig,
  allocate: (length: number) => Uint8Array,
): PacketIo {
  const addresses = transport.addresses.map(IpAddress.parse);
  return transport.kind === "udp"
    ? openUdpIo({ port: transport.port, addresses, allocate })
    : openRawIo({ addresses, allocate });
}
