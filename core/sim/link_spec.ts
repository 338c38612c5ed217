/**
 * Links as people write them: `rate=1.5mbit,delay=35ms,loss=1%,queue=50,a.loss=0,cut=10s-20s`.
 *
 * A key counts for both directions, with `a.` in front for what the first end sends, with `b.` for what
 * the second sends. Later ones win.
 */
import type { CutDirection, CutPlan, DirectionPlan, LinkPlan, LossPlan } from "./link_plan.ts";
import type { Jitter, Reordering } from "./link_settings.ts";

/** What is wrong with a text, in words, with what would do. */
export interface SpecFault {
  readonly fault: string;
}

/** One key of a link. */
export interface LinkKey {
  readonly key: string;
  /** What may follow, for help and errors. */
  readonly example: string;
  readonly help: string;
  readonly read: (text: string) => DirectionPlan | undefined;
}

const BITS: Readonly<Record<string, number>> = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 };
const MILLISECONDS: Readonly<Record<string, number>> = { us: 1e-3, ms: 1, s: 1000, m: 60_000 };

/** A number with a unit of a table. */
function quantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,6})?)([a-z]+)$/.exec(text);
  const unit = match && Object.hasOwn(units, match[2]) ? units[match[2]] : undefined;
  return match && unit !== undefined ? Number(match[1]) * unit : undefined;
}

function time(text: string): number | undefined {
  return quantity(text, MILLISECONDS);
}

/** `1%` or `0.01`. */
function share(text: string): number | undefined {
  const match = /^(\d{1,3}(?:\.\d{1,9})?)(%?)$/.exec(text);
  const value = match ? Number(match[1]) / (match[2] ? 100 : 1) : NaN;
  return value >= 0 && value <= 1 ? value : undefined;
}

function whole(text: string, least: number): number | undefined {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  return value >= least ? value : undefined;
}

/** `1%`, or `burst:1%:30%`: from good to bad, and back, before each packet. */
function loss(text: string): LossPlan | undefined {
  const [kind, toBad, toGood, ...more] = text.split(":");
  if (kind !== "burst") return toBad === undefined ? share(text) : undefined;
  const [bad, good] = [share(toBad ?? ""), share(toGood ?? "")];
  const isWhole = bad !== undefined && good !== undefined && more.length === 0;
  return isWhole ? { toBad: bad, toGood: good } : undefined;
}

const DISTRIBUTIONS = ["uniform", "normal", "exponential"] as const;

function jitter(text: string): Jitter | undefined {
  const [spread, name = "uniform", ...more] = text.split(":");
  const distribution = DISTRIBUTIONS.find((one) => one === name);
  const value = time(spread);
  if (value === undefined || !distribution || more.length > 0) return undefined;
  return { distribution, spread: value };
}

function reorder(text: string): Reordering | undefined {
  const [often, late, ...more] = text.split(":");
  const [probability, extraDelay] = [share(often), time(late ?? "")];
  if (probability === undefined || extraDelay === undefined || more.length > 0) return undefined;
  return { probability, extraDelay };
}

function key<Value>(
  name: string,
  example: string,
  help: string,
  read: (text: string) => Value | undefined,
  set: (value: Value) => DirectionPlan,
): LinkKey {
  return {
    key: name,
    example,
    help,
    read: (text) => {
      const value = read(text);
      return value === undefined ? undefined : set(value);
    },
  };
}

/** Every key but `cut`. */
export const LINK_KEYS: readonly LinkKey[] = [
  key(
    "rate",
    "1.5mbit",
    "bits a second: bit, kbit, mbit, gbit",
    (text) => quantity(text, BITS) || undefined,
    (rate) => ({ rate }),
  ),
  key("delay", "35ms", "of the line, one way: us, ms, s", time, (delay) => ({ delay })),
  key("loss", "1%", "or burst:P:R, from good to bad and back", loss, (loss) => ({ loss })),
  key(
    "queue",
    "50",
    "packets that may wait for the line; more are dropped",
    (text) => whole(text, 1),
    (queuePackets) => ({ queuePackets }),
  ),
  key(
    "jitter",
    "5ms:normal",
    "more delay, uniform, normal or exponential; keeps the order",
    jitter,
    (jitter) => ({ jitter }),
  ),
  key("reorder", "1%:10ms", "so many fall back by up to that", reorder, (reorder) => ({ reorder })),
  key("duplicate", "0.1%", "arrive twice", share, (duplicate) => ({ duplicate })),
  key("corrupt", "0.1%", "have one bit changed", share, (corrupt) => ({ corrupt })),
  key(
    "ecn",
    "20",
    "from so many in the queue on packets are marked, if they can be",
    (text) => whole(text, 0),
    (ecnThreshold) => ({ ecnThreshold }),
  ),
  key(
    "swallow",
    "1400",
    "longer packets vanish in silence: a black hole",
    (text) => whole(text, 68),
    (mtu) => ({ mtu, packetTooBig: false }),
  ),
];

const DIRECTIONS: Readonly<Record<string, CutDirection>> = { a: "forward", b: "backward" };

interface Reading {
  forward: DirectionPlan;
  backward: DirectionPlan;
  readonly cuts: CutPlan[];
}

/** Reads a link; an empty text is a link that does nothing to packets. Total. */
export function parseLink(text: string): LinkPlan | SpecFault {
  const reading: Reading = { forward: {}, backward: {}, cuts: [] };
  for (const item of text.split(",")) {
    const fault = item === "" ? undefined : readItem(reading, item);
    if (fault !== undefined) return { fault };
  }
  return reading;
}

function readItem(reading: Reading, item: string): string | undefined {
  const equals = item.indexOf("=");
  const [name, value] = equals < 0 ? [item, ""] : [item.slice(0, equals), item.slice(equals + 1)];
  const side = /^[ab]\./.test(name) ? name[0] : undefined;
  const direction = side === undefined ? "both" : DIRECTIONS[side];
  const bare = side === undefined ? name : name.slice(2);
  if (bare === "cut") return readCuts(reading, value, direction);
  const known = LINK_KEYS.find(({ key }) => key === bare);
  if (!known) {
    const names = [...LINK_KEYS.map(({ key }) => key), "cut"].join(", ");
    return `"${name}" is nothing that a link has: there are ${names}, with a. or b. for one side`;
  }
  const plan = known.read(value);
  if (!plan) return `${name} takes ${known.example} (${known.help}), not "${value}"`;
  if (direction !== "backward") reading.forward = { ...reading.forward, ...plan };
  if (direction !== "forward") reading.backward = { ...reading.backward, ...plan };
  return undefined;
}

/** `10s`, `10s-20s`, and several with + between them. */
function readCuts(
  { cuts }: Reading,
  value: string,
  direction: CutDirection,
): string | undefined {
  for (const one of value.split("+")) {
    const [start, end, ...more] = one.split("-");
    const [from, until] = [time(start), end === undefined ? Infinity : time(end)];
    if (from === undefined || until === undefined || until <= from || more.length > 0) {
      return `cut takes 10s (for good), 10s-20s, or several as 10s-20s+30s-31s, not "${one}"`;
    }
    cuts.push({ from, until, direction });
  }
  return undefined;
}
