/** What the handlers of socket options work on. */
import type { Association } from "../../sctp/association.ts";
import type { AddressControl } from "../address_control.ts";
import type { Driver } from "../driver.ts";
import type { ConnectionKeys } from "../keys.ts";
import type { MessageReceiver } from "../message_receiver.ts";
import type { ReliabilityControl } from "../reliability.ts";
import type { StreamControl } from "../stream_control.ts";
import type { EventSubscription } from "./events.ts";
import type { FutureSettings } from "./future.ts";
import type { MessageSettings } from "./message_settings.ts";

/** One association, with the calls that do what options only name. */
export interface AssociationScope {
  readonly association: Association;
  readonly driver: Pick<Driver, "flush" | "now">;
  readonly settings: MessageSettings;
  readonly keys: ConnectionKeys;
  readonly reliability: ReliabilityControl;
  readonly streams: StreamControl;
  readonly addresses: AddressControl;
  readonly receiver: MessageReceiver;
  /** Notifications that `recvv` gives. */
  readonly notifications: EventSubscription;
  setPrimary(remote: string): void;
  /** Whether notifications and status show that an address may have failed. */
  exposePotentiallyFailed(exposed: boolean): void;
  /** Has the engine be told of changes of the host's addresses. @throws RangeError without libc. */
  watchHost(): void;
}

/** Associations that are set up from now on. */
export interface FutureScope {
  readonly future: FutureSettings;
}

/** A one-to-many socket as a whole. */
export interface SocketScope {
  /** Numbers of its associations. */
  readonly ids: readonly number[];
  /** Seconds without user data after which an association is closed; 0 for never. */
  autoClose: number;
}
