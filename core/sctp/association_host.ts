/** What stands around an association: the endpoint that owns it, and what is fixed at its start. */
import type { Association } from "./association.ts";
import type { AuthenticationPlan } from "./auth/options.ts";
import type { IpAddress } from "./base/address.ts";
import type { Tsn } from "./base/serial.ts";
import type { SlabPool } from "./base/slab_pool.ts";
import type { Environment } from "./environment.ts";
import type { SctpEvent } from "./events.ts";
import type { DropReason } from "./metrics.ts";
import type { Route } from "./packet.ts";
import type { Parameters } from "./parameters.ts";
import type { LocalAddress } from "./path/pairing.ts";
import type { PacketWriter } from "./tx/packet_writer.ts";

/** What an association needs of the endpoint that owns it. */
export interface AssociationHost {
  readonly environment: Environment;
  readonly pool: SlabPool;
  readonly writer: PacketWriter;
  readonly localAddresses: readonly LocalAddress[];
  emit(event: SctpEvent): void;
  countDrop(reason: DropReason): void;
  /** Something may have to be sent, or a timer has changed. */
  touch(association: Association): void;
  /** The association is over: forget it. */
  forget(association: Association): void;
  countEstablished(): void;
  countRestart(): void;
  /** Sends one chunk outside of any association, with the given tag. */
  reply(
    route: Route,
    sourcePort: number,
    destinationPort: number,
    tag: number,
    chunk: Uint8Array,
  ): void;
  /** Packets from this address of the peer's belong to the association. */
  claimAddress(association: Association, address: IpAddress): void;
  /** Packets from this address of the peer's no longer do. */
  releaseAddress(association: Association, address: IpAddress): void;
  /** True if another association between the same ports has a peer with this address. */
  belongsToOther(association: Association, address: IpAddress): boolean;
  /** The local tag changed: packets are found by it. */
  retag(association: Association, oldTag: number): void;
}

/** What is fixed when an association is made. */
export interface AssociationSetup {
  readonly id: number;
  readonly incoming: boolean;
  readonly localPort: number;
  readonly remotePort: number;
  readonly parameters: Parameters;
  readonly localTag: number;
  readonly initialTsn: Tsn;
  readonly localAddresses: readonly LocalAddress[];
  /** The user has chosen none of the endpoint's addresses: it uses what there is. */
  readonly isBoundToAll: boolean;
  readonly encapsulationPort: number;
  readonly adaptationIndication: number | undefined;
  readonly authentication: AuthenticationPlan;
}
