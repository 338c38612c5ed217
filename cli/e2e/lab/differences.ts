/** What an application can tell of the shim; docs/differences.md shows the same rows. */

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
    what: "TCP port that a packet filter of the server's host drops",
    tcp: "`ETIMEDOUT`",
    shim: "connects, where rules enable the port and SCTP passes the filter",
    why:
      "the filter sees SCTP, and then a connection of the host itself: what must not be reached is " +
      "to be disabled in the local chain too",
    at:
      /^client, port that a packet filter drops: (connect|(connect|poll) comes back|afterwards|polled)$/,
  },
  {
    what: "`TCP_MAXSEG`, `TCP_WINDOW_CLAMP` and `IP_MTU` of the server's socket",
    tcp: "those of the route",
    shim: "those of the loopback",
    why: "the server's TCP connection ends at the shimd of its own host",
    at: /^server, options: (TCP_MAXSEG|TCP_WINDOW_CLAMP|IP_MTU|IPV6_MTU)$/,
  },
  {
    what: "`SO_SNDBUF` where the application has not set it",
    tcp: "what the kernel starts with for the path's segments",
    shim: "larger",
    why: "the kernel sizes the buffer by the connection to the shimd of the same host",
    at: /^(client|server), options: SO_SNDBUF$/,
  },
  {
    what: "`SO_MARK` of the server's socket",
    tcp: "0",
    shim:
      "the mark by which shimd routes its own connections; setting another breaks the connection",
    why:
      "the server's answers must reach shimd instead of the client whose address they go to, so " +
      "accepted sockets take the mark (`net.ipv4.tcp_fwmark_accept`)",
    at: /^server, options: SO_MARK$/,
  },
  {
    what: "`close()` with `SO_LINGER` and a time",
    tcp: "waits until the peer's kernel has every byte",
    shim: "waits until shimd has: it takes more than a peer's window that is closed",
    why:
      "TCP's acknowledgements come from the shimd of the same host, which cannot know that somebody " +
      "waits for them",
    at: /^client, linger: close comes back$/,
  },
  {
    what: "`IP_TOS`, `IPV6_TCLASS`, `IP_TTL`, `IPV6_UNICAST_HOPS`",
    tcp: "are in the packets on the wire",
    shim: "stay on the host",
    why: "the packets on the wire are SCTP's, of many applications",
    at: /^wire, options: (IP_TOS|IPV6_TCLASS|IP_TTL|IPV6_UNICAST_HOPS)$/,
  },
  {
    what: "peer's host gone in silence, found by `SO_KEEPALIVE` or `TCP_USER_TIMEOUT`",
    tcp: "`ETIMEDOUT`, at the application's time",
    shim: "`ECONNRESET`, when all paths have failed",
    why:
      "SCTP's heartbeats and retransmissions watch the peer; to the kernel the local end of the " +
      "connection is well, and nothing but a reset can end it",
    at: /^client, silence with (SO_KEEPALIVE|TCP_USER_TIMEOUT): in the end$/,
  },
  {
    what: "peer's host gone in silence, idle connection without `SO_KEEPALIVE`",
    tcp: "stays open for ever",
    shim: "`ECONNRESET`, when all paths have failed",
    why: "SCTP sends heartbeats on idle paths (RFC 9260, section 8.3)",
    at: /^client, silence on an idle connection: in the end$/,
  },
  {
    what: "urgent data behind more unread bytes than all buffers hold",
    tcp: "`SIGURG` comes at once: a window probe carries the urgent pointer",
    shim: "`SIGURG` comes once the receiver reads",
    why: "the mark has its place among the bytes, and shimd has not read as far as that yet",
    at: /^server, urgent byte behind a full window: before a byte is read$/,
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
