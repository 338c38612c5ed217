/** The kinds of values that `shimkit netem` takes. */
import { message, text as words } from "@optique/core/message";
import type { ValueParser } from "@optique/core/valueparser";
import { IpAddress } from "../core/sctp/base/address.ts";
import type { LinkPlan } from "../core/sim/link_plan.ts";
import { LINK_KEYS, parseLink } from "../core/sim/link_spec.ts";

/** Every key of a link with an example and what it means. */
export const LINK_HELP = [
  ...LINK_KEYS.map(({ key, example, help }) => `${key}=${example} (${help})`),
  "cut=10s-20s (when it is cut; several with +)",
].join(", ") + "; with a. or b. in front it is for what the first or the second end sends alone";

/** A link as {@link parseLink} reads it. */
export function linkPlan(): ValueParser<"sync", LinkPlan> {
  return {
    mode: "sync",
    metavar: "LINK",
    placeholder: { forward: {}, backward: {}, cuts: [] },
    parse: (text) => {
      const value = parseLink(text);
      if ("fault" in value) return { success: false, error: [words(`${value.fault}.`)] };
      return { success: true, value };
    },
    format: (plan) => JSON.stringify(plan),
  };
}

/** Two names with a comma between them. */
export function twoNames(): ValueParser<"sync", readonly [string, string]> {
  return {
    mode: "sync",
    metavar: "A,B",
    placeholder: ["a", "b"],
    parse: (text) => {
      const [a, b, ...more] = text.split(",");
      const isPair = a && b && a !== b && more.length === 0;
      if (isPair) return { success: true, value: [a, b] };
      return {
        success: false,
        error: message`Expected two names such as left,right, not ${text}.`,
      };
    },
    format: (names) => names.join(","),
  };
}

type Ends = readonly [readonly string[], readonly string[]];

/** Both ends' addresses with prefix lengths: `10.0.0.1/24+fd00::1/64,10.0.0.2/24+fd00::2/64`. */
export function linkAddresses(): ValueParser<"sync", Ends> {
  return {
    mode: "sync",
    metavar: "ADDRESSES",
    placeholder: [[], []],
    parse: (text) => {
      const lists = text.split(",").map((list) => list.split("+"));
      const [first, second, ...more] = lists;
      const isGood = second !== undefined && more.length === 0 && lists.flat().every(isInterface);
      if (isGood) return { success: true, value: [first, second] };
      const error = message`Expected addresses such as 10.0.0.1/24,10.0.0.2/24, not ${text}.`;
      return { success: false, error };
    },
    format: (ends) => ends.map((list) => list.join("+")).join(","),
  };
}

/** An address with the length of its network's prefix. */
function isInterface(text: string): boolean {
  const [address, prefix, ...more] = text.split("/");
  const parsed = IpAddress.tryParse(address);
  const isLength = /^\d{1,3}$/.test(prefix ?? "") && more.length === 0;
  return parsed !== undefined && isLength && Number(prefix) <= (parsed.family === 4 ? 32 : 128);
}
