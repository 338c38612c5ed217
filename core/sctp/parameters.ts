/**
 * The protocol parameters of RFC 9260, section 16, and the engine's own limits: one table that holds
 * each one's default, unit, range and source, so that command line, checks and help agree.
 */

/** What is known about one parameter. */
export interface ParameterDescription {
  /** The name that the standard gives it. */
  readonly rfcName: string;
  readonly unit: "ms" | "bytes" | "packets" | "attempts" | "streams" | "ratio" | "switch" | "level";
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
  /** Section of the standard, or why the engine has it. */
  readonly source: string;
}

const row = (
  rfcName: string,
  unit: ParameterDescription["unit"],
  value: number,
  minimum: number,
  maximum: number,
  source: string,
): ParameterDescription => ({ rfcName, unit, default: value, minimum, maximum, source });

/** Every settable parameter. Switches are 0 or 1. */
export const PARAMETERS = {
  rtoInitial: row("RTO.Initial", "ms", 1000, 1, 60_000, "RFC 9260, section 16"),
  rtoMin: row("RTO.Min", "ms", 1000, 1, 60_000, "RFC 9260, section 16"),
  rtoMax: row("RTO.Max", "ms", 60_000, 1, 600_000, "RFC 9260, section 16"),
  rtoAlpha: row("RTO.Alpha", "ratio", 1 / 8, 0, 1, "RFC 9260, section 6.3.1"),
  rtoBeta: row("RTO.Beta", "ratio", 1 / 4, 0, 1, "RFC 9260, section 6.3.1"),
  maxBurst: row("Max.Burst", "packets", 4, 0, 65_535, "RFC 9260, section 6.1, D; 0 for no limit"),
  validCookieLife: row("Valid.Cookie.Life", "ms", 60_000, 100, 3_600_000, "RFC 9260, section 16"),
  associationMaxRetrans: row(
    "Association.Max.Retrans",
    "attempts",
    10,
    0,
    1000,
    "RFC 9260, section 8.1",
  ),
  pathMaxRetrans: row("Path.Max.Retrans", "attempts", 5, 0, 1000, "RFC 9260, section 8.2"),
  potentiallyFailedMaxRetrans: row(
    "PotentiallyFailed.Max.Retrans",
    "attempts",
    0,
    0,
    1000,
    "RFC 7829, section 3.2",
  ),
  primarySwitchoverMaxRetrans: row(
    "Primary.Switchover.Max.Retrans",
    "attempts",
    0,
    0,
    65_535,
    "RFC 7829, section 5: data does not go back then; 65,535 lets it go back whenever it can",
  ),
  maxInitRetransmits: row(
    "Max.Init.Retransmits",
    "attempts",
    8,
    0,
    1000,
    "RFC 9260, section 5.1.6",
  ),
  maxInitTimeout: row(
    "sinit_max_init_timeo",
    "ms",
    60_000,
    1,
    600_000,
    "RFC 6458, section 5.3.1: the longest time-out of INIT and COOKIE ECHO",
  ),
  hbInterval: row("HB.interval", "ms", 30_000, 0, 3_600_000, "RFC 9260, section 8.3"),
  hbMaxBurst: row("HB.Max.Burst", "packets", 1, 1, 100, "RFC 9260, section 5.4"),
  heartbeat: row("heartbeat", "switch", 1, 0, 1, "RFC 9260, section 8.3, A and C"),
  sackDelay: row("SACK.Delay", "ms", 200, 0, 500, "RFC 9260, section 6.2"),
  sackFrequency: row(
    "SACK frequency",
    "packets",
    2,
    1,
    64,
    "RFC 9260, section 6.2: a SACK each second packet",
  ),
  noDelay: row(
    "Nagle off",
    "switch",
    0,
    0,
    1,
    "RFC 9260, section 6.1: 1 turns off the delay for bundling",
  ),
  ecn: row("ECN", "switch", 1, 0, 1, "RFC 9260, section 3.3.2, note 2; RFC 3168"),
  partialReliability: row(
    "SCTP_PR_SUPPORTED",
    "switch",
    1,
    0,
    1,
    "RFC 7496, section 4.5: partial reliability (RFC 3758) is offered to the peer",
  ),
  interleaving: row(
    "SCTP_INTERLEAVING_SUPPORTED",
    "switch",
    0,
    0,
    1,
    "RFC 8260, section 4.3.1: I-DATA is offered; needs fragmentInterleave 2",
  ),
  fragmentInterleave: row(
    "SCTP_FRAGMENT_INTERLEAVE",
    "level",
    0,
    0,
    2,
    "RFC 6458, section 8.1.20: with 2 the reader takes parts of several streams' messages in turn",
  ),
  zeroChecksum: row(
    "SCTP_ACCEPT_ZERO_CHECKSUM",
    "switch",
    0,
    0,
    1,
    "RFC 9653, section 7.1: no checksums between peers whose packets travel inside DTLS",
  ),
  nonRenegableSack: row(
    "NR-SACK",
    "switch",
    0,
    0,
    1,
    "draft-natarajan-tsvwg-sctp-nrsack: what arrived behind a gap is acknowledged for good",
  ),
  authentication: row("AUTH", "switch", 1, 0, 1, "RFC 4895, section 6.1: 1 offers it to the peer"),
  streamReconfiguration: row(
    "stream reconfiguration",
    "switch",
    1,
    0,
    1,
    "RFC 6525: resets of streams and of associations, and more streams, are offered",
  ),
  acceptStreamReset: row(
    "SCTP_ENABLE_RESET_STREAM_REQ",
    "switch",
    1,
    0,
    1,
    "RFC 6525, section 6.3.1: resets of streams that the peer asks for",
  ),
  acceptAssociationReset: row(
    "SCTP_ENABLE_RESET_ASSOC_REQ",
    "switch",
    1,
    0,
    1,
    "RFC 6525, section 6.3.1: resets of TSNs and streams that the peer asks for",
  ),
  acceptStreamAddition: row(
    "SCTP_ENABLE_CHANGE_ASSOC_REQ",
    "switch",
    1,
    0,
    1,
    "RFC 6525, section 6.3.1: more streams that the peer asks for",
  ),
  addressReconfiguration: row(
    "ASCONF",
    "switch",
    1,
    0,
    1,
    "RFC 5061: changes of addresses while an association lives are offered; needs AUTH",
  ),
  acceptAddressChanges: row(
    "changes of the peer's addresses",
    "switch",
    1,
    0,
    1,
    "RFC 5061, section 4.3.5: 0 refuses them for want of authorization",
  ),
  followAddresses: row(
    "SCTP_AUTO_ASCONF",
    "switch",
    0,
    0,
    1,
    "RFC 6458, section 8.1.23: 1 adds and deletes addresses as the host's interfaces come and go",
  ),
  followPeer: row(
    "NAT following",
    "switch",
    1,
    0,
    1,
    "RFC 6951, section 5.4: another UDP port or address of the peer's, once it answers a HEARTBEAT",
  ),
  asconfWithoutAuth: row(
    "ASCONF without AUTH",
    "switch",
    0,
    0,
    1,
    "RFC 5061, section 6, forbids it: 1 lets peers without AUTH change their addresses",
  ),
  receiveBuffer: row(
    "a_rwnd",
    "bytes",
    4 << 20,
    4096,
    1 << 30,
    "RFC 9260, section 6.2: buffer that a_rwnd announces",
  ),
  sendBuffer: row(
    "send buffer",
    "bytes",
    4 << 20,
    4096,
    1 << 30,
    "bytes accepted and not yet acknowledged",
  ),
  partialDeliveryPoint: row(
    "partial delivery point",
    "bytes",
    1 << 20,
    1,
    1 << 30,
    "RFC 9260, section 6.9: a longer message may be handed over in parts",
  ),
  outboundStreams: row("OS", "streams", 64, 1, 65_535, "RFC 9260, section 5.1.1"),
  inboundStreams: row("MIS", "streams", 65_535, 1, 65_535, "RFC 9260, section 5.1.1"),
  pathMtu: row(
    "PMTU",
    "bytes",
    1500,
    576,
    65_535,
    "RFC 9260, section 7.3: size of IP packets at the start, and at most",
  ),
  pathMtuDiscovery: row(
    "PLPMTUD",
    "switch",
    1,
    0,
    1,
    "RFC 8899: finds by probes what passes, and black holes; 0 believes ICMP alone",
  ),
  mtuProbeTimer: row(
    "PROBE_TIMER",
    "ms",
    15_000,
    1000,
    600_000,
    "RFC 8899, section 5.1.1: after which a probe is lost",
  ),
  mtuRaiseTimer: row(
    "PMTU_RAISE_TIMER",
    "ms",
    600_000,
    1000,
    86_400_000,
    "RFC 8899, section 5.1.1: until a larger PMTU is tried again",
  ),
} as const satisfies Record<string, ParameterDescription>;

/** Name of a parameter in code, configuration and on the command line. */
export type ParameterName = keyof typeof PARAMETERS;

/** A value for every parameter. */
export type Parameters = { readonly [Name in ParameterName]: number };

/** The defaults of {@link PARAMETERS}. */
export const DEFAULT_PARAMETERS: Parameters = Object.fromEntries(
  Object.entries(PARAMETERS).map(([name, description]) => [name, description.default]),
) as { [Name in ParameterName]: number };

/** What is wrong with a value for a parameter, in words, or `undefined` if it is in range. */
export function checkParameter(name: ParameterName, value: number): string | undefined {
  const { rfcName, unit, minimum, maximum } = PARAMETERS[name];
  const whole = unit !== "ratio" && !Number.isInteger(value);
  if (!Number.isFinite(value) || whole || value < minimum || value > maximum) {
    return `${name} (${rfcName}) takes ${whole ? "a whole number" : "a number"} from ` +
      `${minimum} to ${maximum}${unit === "switch" ? "" : ` ${unit}`}, not ${value}`;
  }
  return undefined;
}

/** True if all values are the same. */
export function areSame(some: Parameters, others: Parameters): boolean {
  return (Object.keys(PARAMETERS) as ParameterName[]).every((name) => some[name] === others[name]);
}

/**
 * Defaults with some values changed.
 * @throws RangeError if a value is out of its range, RTO.Min is above RTO.Max, messages are to be
 *   interleaved for a reader that does not take that, or a primary path is to be given up before it is
 *   suspected.
 */
export function withParameters(
  changes: Partial<Parameters>,
  base: Parameters = DEFAULT_PARAMETERS,
): Parameters {
  const result: Parameters = withSwitchover(changes, { ...base, ...changes });
  for (const name of Object.keys(PARAMETERS) as ParameterName[]) {
    const fault = checkParameter(name, result[name]);
    if (fault) throw new RangeError(fault);
  }
  if (result.rtoMin > result.rtoMax) {
    throw new RangeError(
      `rtoMin (${result.rtoMin} ms) must not be above rtoMax (${result.rtoMax} ms)`,
    );
  }
  if (result.primarySwitchoverMaxRetrans < result.potentiallyFailedMaxRetrans) {
    throw new RangeError(
      `primarySwitchoverMaxRetrans (${result.primarySwitchoverMaxRetrans}) must not be below ` +
        `potentiallyFailedMaxRetrans (${result.potentiallyFailedMaxRetrans}): a path is given up for ` +
        "good no earlier than it is suspected (RFC 7829, section 5)",
    );
  }
  if (result.interleaving === 1 && result.fragmentInterleave < 2) {
    throw new RangeError(
      `interleaving needs a reader who takes it: set fragmentInterleave to 2, not ` +
        result.fragmentInterleave,
    );
  }
  return result;
}

/** RFC 7829, section 5: the threshold for a new primary path is no lower than that of suspicion, unless it is set. */
function withSwitchover(changes: Partial<Parameters>, result: Parameters): Parameters {
  const { potentiallyFailedMaxRetrans: suspicion, primarySwitchoverMaxRetrans } = result;
  const isSet = changes.primarySwitchoverMaxRetrans !== undefined;
  if (isSet || primarySwitchoverMaxRetrans >= suspicion) return result;
  return { ...result, primarySwitchoverMaxRetrans: suspicion };
}
