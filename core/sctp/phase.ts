/** The state of an association, with the data that exists only in it. */
import type { Instant } from "./base/time.ts";
import type { Path } from "./path/path.ts";

/** States of RFC 9260, section 4. */
export type AssociationState =
  | "CLOSED"
  | "COOKIE-WAIT"
  | "COOKIE-ECHOED"
  | "ESTABLISHED"
  | "SHUTDOWN-PENDING"
  | "SHUTDOWN-SENT"
  | "SHUTDOWN-RECEIVED"
  | "SHUTDOWN-ACK-SENT";

/** The state with the data that exists only in it. */
export type Phase =
  | { readonly state: "CLOSED" }
  | {
    readonly state: "COOKIE-WAIT";
    /** The INIT chunk, to be sent again as it is. */
    readonly init: Uint8Array;
    /** INITs sent so far. */
    attempts: number;
    sentAt: Instant;
    /** Paths on which an ICMP error has answered the INIT. */
    readonly unreachable: Path[];
  }
  | {
    readonly state: "COOKIE-ECHOED";
    readonly cookieEcho: Uint8Array;
    /** ERROR chunk about parameters of the INIT ACK that we do not know, to go with it. */
    readonly report: Uint8Array | undefined;
    /** COOKIE ECHOs sent so far. */
    attempts: number;
    sentAt: Instant;
  }
  | { readonly state: "ESTABLISHED" }
  | { readonly state: "SHUTDOWN-PENDING" }
  | { readonly state: "SHUTDOWN-SENT"; /** SHUTDOWNs sent without an answer. */ attempts: number }
  | { readonly state: "SHUTDOWN-RECEIVED" }
  | { readonly state: "SHUTDOWN-ACK-SENT"; attempts: number };
