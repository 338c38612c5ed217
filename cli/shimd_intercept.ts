/** The options of `shimkit shimd` by which connections come to it without a server being named. */
import { group, object } from "@optique/core/constructs";
import { message, text } from "@optique/core/message";
import { multiple, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { option } from "@optique/core/primitives";
import { choice, integer, type ValueParser } from "@optique/core/valueparser";
import { MAX_INSTANCE } from "../core/net/firewall_marks.ts";
import { detectFronts } from "../core/net/interception_fronts.ts";
import { IpAddress } from "../core/sctp/base/address.ts";
import { formatListen, type ListenSpec, parseListen } from "../core/shim/endpoint_spec.ts";
import type { InterceptConfig } from "../core/shim/protocol.ts";
import type { ListenerStatus } from "../core/shim/status.ts";
import { CliError, UsageError } from "./command.ts";

const listenParser: ValueParser<"sync", ListenSpec> = {
  mode: "sync",
  metavar: "[ADDRESS:]PORT",
  placeholder: { address: IpAddress.parse("127.0.0.1"), port: 1080 },
  parse: (given) => {
    try {
      return { success: true, value: parseListen(given) };
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return { success: false, error: [text(`${error.message}.`)] };
    }
  },
  format: formatListen,
};

/** The options. */
export const interception = group(
  "Interception",
  object({
    intercept: option("--intercept", {
      description:
        message`Carries the connections of this host's applications that the rules enable ("shimkit shimrules"); needs root. Applications need not know of it.`,
    }),
    front: optional(option("--front", choice(["nfqueue", "redirect"], { metavar: "FRONT" }), {
      description:
        message`How: nfqueue holds each connection until SCTP has answered, and so leaves connect() its meaning; redirect accepts it first. By default the better one that this kernel has.`,
    })),
    instance: optional(option("--instance", integer({ min: 0, max: MAX_INSTANCE }), {
      description:
        message`Tells several daemons of one network namespace apart that intercept or serve listeners; 0 by default. Each needs its own --udp and --control too.`,
    })),
    socks: multiple(option("--socks", listenParser, {
      description:
        message`Takes SOCKS5 clients, and tries SCTP to wherever they want; needs no root. Without an address it listens on 127.0.0.1. May be repeated.`,
    })),
  }),
);

/** The values of {@link interception}. */
export type InterceptionOptions = InferValue<typeof interception>;

/** What the options ask for. Throws UsageError, or CliError where this host cannot do it. */
export function interceptConfig(
  { intercept, front, instance }: InterceptionOptions,
  warn: (text: string) => void,
): InterceptConfig | undefined {
  if (!intercept) {
    if (front !== undefined) {
      throw new UsageError("--front says how to intercept", "Add --intercept.");
    }
    return undefined;
  }
  const found = detectFronts();
  if (found.best === "none" || (front === "nfqueue" && found.best !== "nfqueue")) {
    throw new CliError(
      `this host cannot intercept connections: ${found.lacks.join("; ")}`,
      "Use --socks or --forward, which need nothing.",
    );
  }
  const chosen = front ?? found.best;
  if (front === undefined) { for (const lack of found.lacks) warn(lack); }
  const families = chosen === "redirect" ? [4, 6] as const : found.families;
  return { front: chosen, families, instance: instance ?? 0 };
}

/** What is said of such a listener when the daemon is ready. */
export function describeInterception(
  { kind, address, port }: ListenerStatus,
  carrier: string,
): string {
  const { text, family } = IpAddress.parse(address);
  return kind === "socks"
    ? `taking SOCKS5 clients on ${text} port ${port}, by ${carrier}`
    : `intercepting IPv${family} connections by ${kind}, as the rules say, by ${carrier}`;
}
