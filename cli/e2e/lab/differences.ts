/** What an application can tell of the shim; core/shim/DIFFERENCES.md shows the same rows. */

/** One known difference to plain TCP. */
export interface Difference {
  readonly what: string;
  readonly tcp: string;
  readonly shim: string;
  readonly why: string;
  /** The places of the observer's record where it is seen, and nothing else. */
  readonly at: RegExp;
}

/** Each of them occurs over IPv4 and over IPv6. */
export const DIFFERENCES: readonly Difference[] = [
  {
    what: "urgent data (`MSG_OOB`)",
    tcp: "the urgent byte comes with `POLLPRI`, at its mark",
    shim: "the urgent byte is lost; what is before and behind it comes as one stream without mark",
    why:
      "shimd does not ask for urgent data, and the kernel takes it out of what is read; no control " +
      "message carries it yet",
    at:
      /^(client|server), urgent byte .*: (urgent|after|up to the mark|at the mark|behind the mark)$/,
  },
  {
    what: "reset (`SO_LINGER` 0) at once behind bytes",
    tcp: "bytes that arrived before the RST are read, then `ECONNRESET`",
    shim: "`ECONNRESET`; bytes sent just before may be lost. Those that had arrived are read",
    why:
      "ABORT overtakes the bytes that shimd still holds (RFC 9260, section 9); TCP promises no " +
      "delivery of them either",
    at: /^(client|server), (client|server) resets at once: the bytes are read$/,
  },
  {
    what: "TCP port that a packet filter of the server's host drops",
    tcp: "`ETIMEDOUT`",
    shim: "connects, where rules enable the port and SCTP passes the filter",
    why:
      "the filter sees SCTP, and then a connection of the host itself: what must not be reached is " +
      "to be disabled in the local chain too",
    at: /^client, port that a packet filter drops: (connect|connect comes back|afterwards|polled)$/,
  },
  {
    what: "`TCP_MAXSEG` and `IP_MTU` of the server's socket",
    tcp: "those of the route",
    shim: "those of the loopback",
    why: "the server's TCP connection ends at the shimd of its own host",
    at: /^server, names: (TCP_MAXSEG|IP_MTU|IPV6_MTU)$/,
  },
  {
    what: "`SO_SNDBUF` where the application has not set it",
    tcp: "what the kernel starts with for the path's segments",
    shim: "larger",
    why: "the kernel sizes the buffer by the connection to the shimd of the same host",
    at: /^(client|server), names: SO_SNDBUF$/,
  },
  {
    what: "`SO_MARK` of the server's socket",
    tcp: "0",
    shim: "the mark by which shimd routes its own connections",
    why:
      "the server's answers must reach shimd instead of the client whose address they go to, so " +
      "accepted sockets take the mark (`net.ipv4.tcp_fwmark_accept`)",
    at: /^server, names: SO_MARK$/,
  },
  {
    what: "ICMP error for a SYN, on a wire without any delay",
    tcp:
      "connect() fails when the next SYN is answered; the error stays in `SO_ERROR`, and poll may " +
      "report it before the socket is closed",
    shim: "the same errno, at once or then; `SO_ERROR` and poll are as over a wire with delay",
    why:
      "over a veth pair the error comes while connect() still has the socket locked, and Linux " +
      "keeps it as a soft error; a SYN that was held leaves later",
    at: /^client, ICMP [^:]*: (connect comes back|afterwards|polled|once more)$/,
  },
];

/** The places where two records are not the same. */
export function differingPlaces(
  one: ReadonlyMap<string, string>,
  other: ReadonlyMap<string, string>,
): readonly string[] {
  const places = [...new Set([...one.keys(), ...other.keys()])];
  return places.filter((place) => one.get(place) !== other.get(place));
}
