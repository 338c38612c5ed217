/** A chunk that is being processed, with the packet around it. One object serves every chunk. */
import { IpAddress } from "./base/address.ts";
import { type Tsn, tsn } from "./base/serial.ts";
import { type Instant, instant } from "./base/time.ts";
import { Ecn } from "./packet.ts";
import type { Path } from "./path/path.ts";

export class ChunkContext {
  now: Instant = instant(0);
  /** Buffer with the packet. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Where the packet starts. */
  packetStart = 0;
  /** Where the packet ends. */
  packetEnd = 0;
  /** Where the chunk starts. */
  offset = 0;
  /** Where the AUTH chunk in front of the first other chunk starts; -1 if there is none. */
  auth = -1;
  /** There was an AUTH chunk in the packet so far. */
  hasAuth = false;
  /** What follows is authenticated (RFC 4895, section 6.3). */
  isAuthentic = false;
  /** Source address of the packet. */
  source: IpAddress = IpAddress.parse("0.0.0.0");
  /** Destination address of the packet. */
  destination: IpAddress = this.source;
  encapsulationPort = 0;
  ecn: Ecn = Ecn.NotEct;
  /** The association's path on which the packet came. */
  path: Path | undefined = undefined;
  /** The packet carried DATA so far. */
  hasData = false;
  /** Lowest TSN of that DATA. */
  lowestTsn: Tsn = tsn(0);
  /** The packet carried an ASCONF so far. */
  hasAsconf = false;
  /** The packet carried a FORWARD TSN so far. */
  hasForwardTsn = false;
  /** The packet carried a SACK so far. */
  hasSack = false;
}
