/** What one of the seeded runs does: drawn from its seed, readable when it fails. */
import type { AuthenticationOptions } from "../../sctp/auth/options.ts";
import { SeededRandom, uniform } from "../../sctp/base/random.ts";
import type { Parameters } from "../../sctp/parameters.ts";
import { STREAM_SCHEDULERS, type StreamSchedulerName } from "../../sctp/tx/stream_scheduler.ts";
import { LISTABLE_CHUNKS } from "../../sctp/wire/auth_parameters.ts";
import { ChunkType } from "../../sctp/wire/chunk_type.ts";
import type { LinkSettings } from "../link_settings.ts";
import { GilbertElliott } from "../loss.ts";
import type { WorkloadOptions } from "../workload.ts";

export type Side = "client" | "server";

/**
 * How a run ends: "shutdown" once all is delivered, "early-shutdown" once all is accepted by the send
 * buffers, "abort" once all is delivered, "vanish": the peer of `by` is switched off for good.
 */
export type EndingKind = "shutdown" | "early-shutdown" | "abort" | "vanish";

/** A time during which one link is cut. */
export interface Flap {
  readonly link: number;
  readonly at: number;
  readonly duration: number;
}

/** A time during which a host lacks one of its addresses; it keeps at least one other. */
export interface AddressLoss {
  readonly side: Side;
  readonly address: string;
  readonly at: number;
  readonly duration: number;
}

/** A link between two addresses, and how to make its settings: a loss model serves one direction only. */
export interface PlannedLink {
  readonly a: string;
  readonly b: string;
  readonly settings: () => LinkSettings;
}

export type WorkloadShape = Omit<WorkloadOptions, "seed" | "firstPpid" | "partialShare">;

export interface RunPlan {
  readonly seed: number;
  readonly families: string;
  /** UDP ports of client and server; 0 for raw IP. */
  readonly ports: Readonly<Record<Side, number>>;
  readonly addresses: Readonly<Record<Side, readonly string[]>>;
  readonly links: readonly PlannedLink[];
  /** Mean share of packets that a link loses, and whether some link loses them in bursts. */
  readonly loss: number;
  readonly bursts: boolean;
  readonly parameters: Readonly<Record<Side, Partial<Parameters>>>;
  /** What each side sends. */
  readonly workload: Readonly<Record<Side, WorkloadShape>>;
  /** Milliseconds that each side waits before it reads; 0 reads at once. */
  readonly readDelay: Readonly<Record<Side, number>>;
  readonly readSize: number;
  readonly flaps: readonly Flap[];
  readonly addressLosses: readonly AddressLoss[];
  readonly restart: { readonly side: Side; readonly at: number } | undefined;
  readonly ending: { readonly kind: EndingKind; readonly by: Side; readonly at: number };
  readonly extensions: Readonly<Record<Side, ExtensionPlan>>;
  /** Share of the messages of each side that may be given up. */
  readonly partialShare: Readonly<Record<Side, number>>;
  /** Packets travel inside DTLS: none arrives that was changed on the way. */
  readonly isInsideDtls: boolean;
}

/** What one side has of the extensions, and does with them. */
export interface ExtensionPlan {
  readonly switches: Partial<Parameters>;
  readonly authentication: AuthenticationOptions;
  readonly scheduler: StreamSchedulerName;
}

const SCHEDULERS = Object.keys(STREAM_SCHEDULERS) as StreamSchedulerName[];

/** True if messages may be given up: both sides have partial reliability. */
export function isPartial({ extensions: { client, server } }: RunPlan): boolean {
  return [client, server].every(({ switches }) => switches.partialReliability === 1);
}

/**
 * True if nothing in the plan excuses an association that fails. Hasty timers are an excuse: a sender
 * can give up before its peer has repaired the loss of a COOKIE ACK.
 */
export function mustSucceed(plan: RunPlan): boolean {
  return plan.loss <= 0.1 && !plan.bursts && plan.flaps.length === 0 &&
    plan.addressLosses.length === 0 && plan.restart === undefined &&
    plan.ending.kind !== "vanish" &&
    plan.parameters.client.rtoMin === 1000;
}

/** Draws the values of a plan. */
class Dice {
  readonly #random: SeededRandom;

  constructor(readonly seed: number) {
    this.#random = new SeededRandom(seed ^ 0x2545f491);
  }

  chance(probability: number): boolean {
    return uniform(this.#random) < probability;
  }

  between(low: number, high: number): number {
    return low + uniform(this.#random) * (high - low);
  }

  whole(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1));
  }

  /** Small values as likely as large ones. */
  logarithmic(low: number, high: number): number {
    return low * Math.pow(high / low, uniform(this.#random));
  }

  pick<Value>(values: readonly Value[]): Value {
    return values[this.whole(0, values.length - 1)];
  }

  side(): Side {
    return this.pick(["client", "server"]);
  }
}

/** Lies between the seeds of the two draws of a plan. */
const APART = 0x1000_0000;

const FAMILIES = ["IPv4", "IPv6", "IPv4 and IPv6"] as const;

function planAddresses(dice: Dice, families: string, host: number): string[] {
  const count = dice.whole(1, 3);
  const v4 = Array.from({ length: count }, (_, i) => `10.${host}.${i}.1`);
  const v6 = Array.from({ length: count }, (_, i) => `fd00:${host}:${i}::1`);
  if (families === "IPv4") return v4;
  return families === "IPv6" ? v6 : [v4[0], ...v6.slice(0, 2)];
}

function planLinks(
  dice: Dice,
  clients: readonly string[],
  servers: readonly string[],
  loss: number,
  bursts: boolean,
): PlannedLink[] {
  const links: PlannedLink[] = [];
  for (const a of clients) {
    for (const b of servers) {
      if (a.includes(":") !== b.includes(":")) continue;
      links.push({ a, b, settings: planLink(dice, loss, bursts) });
    }
  }
  return links;
}

/** Inside DTLS a changed packet is a lost one. */
function withoutCorruption({ a, b, settings }: PlannedLink): PlannedLink {
  return { a, b, settings: () => ({ ...settings(), corrupt: 0 }) };
}

function planLoss(dice: Dice, mean: number, bursts: boolean): () => LinkSettings["loss"] {
  if (!bursts) return () => mean;
  const toGood = dice.between(0.2, 0.7);
  const toBad = toGood * mean / (1 - mean);
  return () => new GilbertElliott({ toBad, toGood });
}

function planLink(dice: Dice, mean: number, bursts: boolean): () => LinkSettings {
  const loss = planLoss(dice, mean, bursts);
  const delay = dice.logarithmic(0.1, 150);
  const settings: LinkSettings = {
    rate: dice.chance(0.2) ? Infinity : dice.logarithmic(1e6, 1e9),
    delay,
    queuePackets: dice.whole(8, 300),
    duplicate: dice.chance(0.3) ? dice.between(0, 0.2) : 0,
    corrupt: dice.chance(0.2) ? dice.between(0, 0.03) : 0,
    ecnThreshold: dice.chance(0.3) ? dice.whole(2, 8) : Infinity,
    mtu: dice.chance(0.15) ? dice.whole(1280, 1480) : 1500,
    // A narrow link that says nothing is a black hole (RFC 8899).
    packetTooBig: dice.chance(0.5),
    jitter: dice.chance(0.4)
      ? {
        distribution: dice.pick(["uniform", "normal", "exponential"] as const),
        spread: delay * dice.between(0.05, 0.5),
        reorders: dice.chance(0.5),
      }
      : undefined,
    reorder: dice.chance(0.4)
      ? { probability: dice.between(0, 0.3), extraDelay: dice.logarithmic(1, 200) }
      : undefined,
  };
  return () => ({ ...settings, loss: loss() });
}

/** @param rtoMin the same on both sides: a patient peer looks dead to a hasty one. */
function planParameters(dice: Dice, rtoMin: number): Partial<Parameters> {
  return {
    rtoMin,
    rtoInitial: rtoMin === 1000 ? 1000 : 300,
    hbInterval: dice.pick([30_000, 5000]),
    sackDelay: dice.pick([200, 200, 0, 100]),
    sackFrequency: dice.pick([2, 2, 1]),
    noDelay: dice.whole(0, 1),
    ecn: dice.pick([1, 1, 0]),
    receiveBuffer: dice.pick([4 << 20, 4 << 20, 300_000, 65_536, 20_000]),
    sendBuffer: dice.pick([4 << 20, 256 * 1024]),
    partialDeliveryPoint: dice.pick([1 << 20, 10_000]),
    outboundStreams: 32,
  };
}

function planWorkload(dice: Dice, totalBytes: number): WorkloadShape {
  const messages = dice.chance(0.1) ? 0 : Math.round(dice.logarithmic(1, 400));
  return {
    messages,
    streams: dice.pick([1, 2, 7, 32]),
    maximumSize: dice.pick([300, 20_000, 200 * 1024, 200 * 1024]),
    totalBytes,
    unorderedShare: dice.pick([0, 0, 0.3, 1]),
  };
}

function planFlaps(dice: Dice, links: number): Flap[] {
  if (!dice.chance(0.35)) return [];
  return Array.from({ length: dice.whole(1, 4) }, () => ({
    link: dice.whole(0, links - 1),
    at: dice.logarithmic(1, 20_000),
    duration: dice.logarithmic(50, 40_000),
  }));
}

function planAddressLosses(dice: Dice, addresses: RunPlan["addresses"]): AddressLoss[] {
  const side = dice.side();
  const own = addresses[side];
  if (!dice.chance(0.2) || own.length < 2) return [];
  const at = dice.logarithmic(1, 10_000);
  return [{ side, address: dice.pick(own), at, duration: dice.logarithmic(50, 40_000) }];
}

function planEnding(dice: Dice): RunPlan["ending"] {
  const kinds = ["shutdown", "shutdown", "shutdown", "early-shutdown", "abort", "vanish"] as const;
  const kind = dice.pick(kinds);
  const rare = kind !== "vanish" || dice.chance(0.3);
  return { kind: rare ? kind : "shutdown", by: dice.side(), at: dice.logarithmic(10, 5000) };
}

/**
 * Chunks that a side may want authenticated. Who has forgotten an association cannot authenticate an
 * ABORT or COOKIE ECHO for it (RFC 4895, section 6.3): without them restarts and losses take longer
 * than a run.
 */
const AUTHENTICATED = LISTABLE_CHUNKS.filter((type) =>
  type !== ChunkType.Abort && type !== ChunkType.CookieEcho
);

/** A random subset of the extensions on each side; who wants authentication has a peer that can give it. */
function planExtensions(
  dice: Dice,
  later: Dice,
  isInsideDtls: boolean,
): RunPlan["extensions"] {
  const switches = both(() => ({ authentication: dice.pick([1, 1, 0]) }));
  const wants = switches.client.authentication + switches.server.authentication === 2 &&
    dice.chance(0.3);
  const keys = dice.chance(0.5) ? [{ id: 3, secret: new Uint8Array(16).fill(dice.seed) }] : [];
  const authentication = both(() => ({
    keys,
    chunks: wants ? AUTHENTICATED.filter(() => dice.chance(0.5)) : [],
  }));
  return both((side) => ({
    switches: {
      ...switches[side],
      partialReliability: dice.pick([1, 1, 1, 0]),
      addressReconfiguration: dice.pick([1, 1, 0]),
      followAddresses: dice.pick([1, 0]),
      interleaving: dice.pick([1, 1, 0]),
      fragmentInterleave: 2,
      nonRenegableSack: later.pick([1, 0]),
      zeroChecksum: isInsideDtls ? later.pick([1, 1, 0]) : 0,
    },
    authentication: authentication[side],
    scheduler: dice.pick(SCHEDULERS),
  }));
}

function both<Value>(make: (side: Side) => Value): Record<Side, Value> {
  return { client: make("client"), server: make("server") };
}

/** The plan that follows from a seed. */
export function planRun(seed: number): RunPlan {
  const dice = new Dice(seed);
  const families = dice.pick(FAMILIES);
  const udp = dice.chance(0.5);
  const addresses = both((side) => planAddresses(dice, families, side === "client" ? 1 : 2));
  const loss = dice.pick([0, 0.01, 0.05, 0.1, 0.2, 0.3]);
  const bursts = loss > 0 && dice.chance(0.25);
  const links = planLinks(dice, addresses.client, addresses.server, loss, bursts);
  const budget = loss > 0.1 ? 500_000 : 10_000_000;
  const rtoMin = dice.pick([1000, 1000, 200]);
  // Drawn apart: what was drawn before there were these stays as it was.
  const later = new Dice(seed + APART);
  const isInsideDtls = later.chance(0.3);
  return {
    seed,
    families,
    ports: both((side) => udp ? (side === "client" ? 40_001 : 9899) : 0),
    addresses,
    links: isInsideDtls ? links.map(withoutCorruption) : links,
    loss,
    bursts,
    parameters: both(() => planParameters(dice, rtoMin)),
    workload: both(() => planWorkload(dice, dice.logarithmic(20_000, budget))),
    readDelay: both(() => dice.chance(0.15) ? dice.logarithmic(10, 3000) : 0),
    readSize: dice.pick([65_536, 65_536, 700]),
    flaps: planFlaps(dice, links.length),
    restart: dice.chance(0.15) ? { side: dice.side(), at: dice.logarithmic(5, 10_000) } : undefined,
    ending: planEnding(dice),
    addressLosses: planAddressLosses(dice, addresses),
    extensions: planExtensions(dice, later, isInsideDtls),
    partialShare: both(() => dice.pick([0, 0, 0.3, 1])),
    isInsideDtls,
  };
}

/** The plan in a few lines, for the report of a failure. */
export function describePlan(plan: RunPlan): string {
  const { addresses, links, loss, flaps, addressLosses, restart, ending, extensions } = plan;
  const settings = links.map(({ a, b, settings }) =>
    `  ${a} - ${b}: ${JSON.stringify(settings())}`
  );
  return [
    `seed ${plan.seed}: ${plan.families}, ports ${JSON.stringify(plan.ports)}, loss ${loss}`,
    `  addresses ${JSON.stringify(addresses)}`,
    ...settings,
    `  parameters ${JSON.stringify(plan.parameters)}`,
    `  workload ${JSON.stringify(plan.workload)}`,
    `  reads of ${plan.readSize} bytes after ${JSON.stringify(plan.readDelay)} ms`,
    `  flaps ${JSON.stringify(flaps)}, addresses lost ${JSON.stringify(addressLosses)}`,
    `  restart ${JSON.stringify(restart)}, ending ${JSON.stringify(ending)}`,
    `  extensions ${JSON.stringify(extensions)}, partial ${JSON.stringify(plan.partialShare)}`,
  ].join("\n");
}
