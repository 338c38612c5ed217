/**
 * Firewall marks by which verdicts and sockets tell the kernel's rules what to do with a packet.
 *
 * All of them share 24 bits, so that one comparison keeps what is ours away from every shim of this
 * host. Four bits are the shim's number, four the kind.
 */
import {
  EACCES,
  ECONNREFUSED,
  EHOSTUNREACH,
  ENETUNREACH,
  ENOPROTOOPT,
  ETIMEDOUT,
} from "./constants.ts";

/** What all marks have in common: "SHK". */
export const MARK_PREFIX = 0x5348_4b00;
export const MARK_MASK = 0xffff_ff00;

/** Shims of one network namespace have numbers from 0 to this. */
export const MAX_INSTANCE = 15;

/** What a mark means. */
export const MarkKind = {
  /** A socket's: a connection of the shim itself, never intercepted. */
  Own: 0,
  /** A verdict's: to the shim, which carries it. */
  Carry: 1,
  /** A socket's: to a local server, from an address that is not this host's. */
  Transparent: 2,
  /** A verdict's: connect() fails with this error. */
  Refuse: 3,
  HostUnreachable: 4,
  NetUnreachable: 5,
  Prohibited: 6,
  NoProtocol: 7,
} as const;
export type MarkKind = typeof MarkKind[keyof typeof MarkKind];

/**
 * The mark of a kind for one shim.
 * @throws RangeError if the instance is not 0 .. {@link MAX_INSTANCE}.
 */
export function firewallMark(instance: number, kind: MarkKind): number {
  if (!Number.isInteger(instance) || instance < 0 || instance > MAX_INSTANCE) {
    throw new RangeError(`shim number ${instance}: there are 0 to ${MAX_INSTANCE}`);
  }
  return MARK_PREFIX | instance << 4 | kind;
}

/**
 * The kind by which a SYN is refused so that connect() fails with `errno`, as the peer meant it;
 * `undefined` for ETIMEDOUT: drop the SYN, and each that follows, until TCP gives up.
 *
 * The kernel has no answer for every errno in both families: EACCES reads EHOSTUNREACH in IPv4 and
 * ENOPROTOOPT reads ECONNREFUSED in IPv6, as does anything that is not listed.
 */
export function refusalKind(errno: number, family: 4 | 6): MarkKind | undefined {
  switch (errno) {
    case ETIMEDOUT:
      return undefined;
    case EHOSTUNREACH:
      return MarkKind.HostUnreachable;
    case ENETUNREACH:
      return MarkKind.NetUnreachable;
    case EACCES:
      return MarkKind.Prohibited;
    case ENOPROTOOPT:
      return family === 4 ? MarkKind.NoProtocol : MarkKind.Refuse;
    case ECONNREFUSED:
    default:
      return MarkKind.Refuse;
  }
}
