/** The notifications by their names in RFC 6458 and RFC 6525, and which of them `recvv` gives. */
import type { ConnectionEvent } from "../notifications.ts";
import type { Notifier, Subscription } from "../notifier.ts";

/** What is known about one type of notification. */
export interface NotificationDescription {
  /** Where it is defined. */
  readonly source: string;
  /** What it tells, in one sentence. */
  readonly help: string;
  /** What it is among the events of a connection. */
  readonly kinds: readonly ConnectionEvent["kind"][];
}

function told(
  source: string,
  help: string,
  ...kinds: readonly ConnectionEvent["kind"][]
): NotificationDescription {
  return { source, help, kinds };
}

/** Every type of notification that can be subscribed to with SCTP_EVENT. */
export const NOTIFICATIONS = {
  SCTP_ASSOC_CHANGE: told(
    "RFC 6458, section 6.1.1",
    "An association has come up, was restarted by its peer, or is over.",
    "up",
    "restart",
    "closed",
  ),
  SCTP_PEER_ADDR_CHANGE: told(
    "RFC 6458, section 6.1.2; RFC 7829, section 7.1",
    "An address of the peer has become reachable or unreachable, or was added, removed or made primary.",
    "path-status",
    "peer-address",
  ),
  SCTP_REMOTE_ERROR: told(
    "RFC 6458, section 6.1.3",
    "The peer has reported errors that do not end the association.",
    "remote-error",
  ),
  SCTP_SEND_FAILED_EVENT: told(
    "RFC 6458, section 6.1.11",
    "A message was not delivered: here it is again, with its context.",
    "send-failed",
  ),
  SCTP_SHUTDOWN_EVENT: told(
    "RFC 6458, section 6.1.5",
    "The peer has begun to shut down: nothing more can be sent.",
    "shutdown-received",
  ),
  SCTP_ADAPTATION_INDICATION: told(
    "RFC 6458, section 6.1.6",
    "What the peer says about its upper layer.",
    "adaptation-indication",
  ),
  SCTP_PARTIAL_DELIVERY_EVENT: told(
    "RFC 6458, section 6.1.7",
    "Of a message that was read in part no more comes.",
    "partial-delivery-aborted",
  ),
  SCTP_AUTHENTICATION_EVENT: told(
    "RFC 6458, section 6.1.8",
    "The peer uses a new key, a key is free, or the peer does not authenticate.",
    "authentication",
  ),
  SCTP_SENDER_DRY_EVENT: told(
    "RFC 6458, section 6.1.9",
    "Everything that was sent is acknowledged.",
    "sender-dry",
  ),
  SCTP_NOTIFICATIONS_STOPPED_EVENT: told(
    "RFC 6458, section 6.1.10",
    "Notifications were not taken in time: none follow until they are subscribed to anew.",
    "notifications-stopped",
  ),
  SCTP_STREAM_RESET_EVENT: told(
    "RFC 6525, section 6.1.1",
    "A reset of streams is over.",
    "streams-reset",
  ),
  SCTP_ASSOC_RESET_EVENT: told(
    "RFC 6525, section 6.1.2",
    "A reset of all numbers of the association is over.",
    "association-reset",
  ),
  SCTP_STREAM_CHANGE_EVENT: told(
    "RFC 6525, section 6.1.3",
    "Streams were added, or refused.",
    "streams-changed",
  ),
} as const satisfies Record<string, NotificationDescription>;

/** Name of a type of notification. */
export type NotificationType = keyof typeof NOTIFICATIONS;

/** All of them, in the order of the table. */
export const NOTIFICATION_TYPES = Object.keys(NOTIFICATIONS) as NotificationType[];

/** Which notifications of one association `recvv` gives; none at first. */
export class EventSubscription {
  readonly #notifier: Notifier<ConnectionEvent>;
  readonly #types = new Set<NotificationType>();
  #subscription: Subscription<ConnectionEvent> | undefined;

  constructor(notifier: Notifier<ConnectionEvent>) {
    this.#notifier = notifier;
  }

  /** The one that is taken next, if there is one. */
  get first(): ConnectionEvent | undefined {
    return this.#subscription?.first;
  }

  /** Takes one, if there is one. */
  take(): ConnectionEvent | undefined {
    const event = this.#subscription?.take();
    // Section 6.1.10: whoever is told so has to subscribe anew.
    if (event?.kind === "notifications-stopped") this.#types.clear();
    return event;
  }

  /** RFC 6458, section 6.1.10: whoever subscribes to anything is told when it is stopped. */
  has(type: NotificationType): boolean {
    if (type === "SCTP_NOTIFICATIONS_STOPPED_EVENT") return this.#types.size > 0;
    return this.#types.has(type);
  }

  set(type: NotificationType, on: boolean): void {
    if (type === "SCTP_NOTIFICATIONS_STOPPED_EVENT" || (!on && !this.#subscription)) return;
    this.#subscription ??= this.#notifier.subscribe();
    if (this.#subscription.isStopped) this.#types.clear();
    if (on) this.#types.add(type);
    else this.#types.delete(type);
    for (const kind of NOTIFICATIONS[type].kinds) this.#subscription.set(kind, on);
  }
}
