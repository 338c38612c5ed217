/** The options that `sctp listen` and `sctp connect` share. */
import { group, object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, multiple, optional, withDefault } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { flag, option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import type { ValueParser } from "@optique/core/valueparser";
import {
  checkParameter,
  type ParameterName,
  PARAMETERS,
  type Parameters,
} from "../core/sctp/parameters.ts";
import { SCTP_UDP_PORT } from "../core/net/mod.ts";
import type { authenticationOptions } from "./auth_options.ts";
import { duration, ipAddresses, jsonFlag, port, size } from "./options.ts";

/** What a side does with its association. */
export type TransferMode = "pipe" | "echo" | "discard" | "send";

/** Lets an option stand without its value: `--udp` alone means `--udp=9899`. */
export function withOpenValue<T, State>(
  parser: Parser<"sync", T, State>,
  name: string,
  value: number,
): Parser<"sync", T, State> {
  return {
    ...parser,
    parse: (context) => {
      const [word, next = ""] = context.buffer;
      if (word !== name || /^\d/.test(next)) return parser.parse(context);
      const buffer = [`${name}=${value}`, ...context.buffer.slice(1)];
      return parser.parse({ ...context, buffer });
    },
  };
}

/** `--udp [PORT]`, `--raw`, `--local` and the rest of what decides how packets travel. */
export const transportOptions = group(
  "Transport",
  object({
    carrier: optional(or(
      map(
        withOpenValue(
          option("--udp", integer({ min: 0, max: 65_535, metavar: "PORT" }), {
            description:
              message`Encapsulates in UDP (RFC 6951), which needs no rights; the port is this side's, by default 9899, 0 for one that is free. This is the default.`,
          }),
          "--udp",
          SCTP_UDP_PORT,
        ),
        (udpPort) => ({ transport: "udp" as const, udpPort }),
      ),
      map(
        flag("--raw", { description: message`Sends SCTP directly over IP, which needs root.` }),
        () => ({ transport: "raw" as const, udpPort: undefined }),
      ),
    )),
    udpRemote: withDefault(
      option("--udp-remote", port(), { description: message`The peer's UDP port.` }),
      SCTP_UDP_PORT,
    ),
    local: optional(option("--local", ipAddresses(), {
      description: message`Addresses of this side, joined by commas; by default all of this host.`,
    })),
    follow: option("--follow", {
      description:
        message`Adds addresses to live associations and deletes them as this host's interfaces come and go (RFC 5061), if the peer can do that.`,
    }),
    noFfi: option("--no-ffi", {
      description: message`Uses Deno's own UDP sockets, without libc: slower.`,
    }),
    trace: option("--trace", {
      description: message`Writes one line a packet to standard error.`,
    }),
  }),
);

const NAMES = Object.keys(PARAMETERS) as ParameterName[];

type Setting = readonly [ParameterName, number];

/** `rtoMin=200`: a protocol parameter and its value. */
export function parameterSetting(): ValueParser<"sync", Setting> {
  return {
    mode: "sync",
    metavar: "NAME=VALUE",
    placeholder: ["rtoMin", PARAMETERS.rtoMin.default],
    parse: (text) => {
      const [, given = text, digits = ""] = /^([^=]*)=(.*)$/.exec(text) ?? [];
      const name = NAMES.find((each) => each.toLowerCase() === given.toLowerCase());
      if (!name) {
        return {
          success: false,
          error: message`There is no parameter ${given}; there are ${NAMES.join(", ")}.`,
        };
      }
      const value = digits === "" ? NaN : Number(digits);
      const fault = checkParameter(name, value);
      if (fault) return { success: false, error: message`${text}: ${fault}.` };
      return { success: true, value: [name, value] };
    },
    format: ([name, value]) => `${name}=${value}`,
  };
}

/** What the protocol is told. */
export const protocolOptions = group(
  "Protocol",
  object({
    streams: optional(option("--streams", integer({ min: 1, max: 65_535 }), {
      description: message`Streams to send on: what the INIT asks for.`,
    })),
    settings: multiple(option("--param", parameterSetting(), {
      description:
        message`Sets a protocol parameter, such as rtoMin=200; "shimkit sctp parameters" lists them. May be repeated.`,
    })),
  }),
);

/** How messages are made. */
export const messageOptions = group(
  "Messages",
  object({
    stream: withDefault(
      option("--stream", integer({ min: 0, max: 65_534 }), {
        description: message`Stream to send on.`,
      }),
      0,
    ),
    ppid: withDefault(
      option("--ppid", integer({ min: 0, max: 0xffff_ffff }), {
        description: message`Payload protocol identifier of what is sent.`,
      }),
      0,
    ),
    unordered: option("--unordered", { description: message`Sends outside the stream's order.` }),
    messageSize: withDefault(
      option("--message-size", size(), {
        description: message`Bytes of a generated message, and the most of one from a pipe.`,
      }),
      16 * 1024,
    ),
  }),
);

/** What is done with the association. */
export const transferOptions = group(
  "Transfer",
  object({
    mode: withDefault(
      or(
        map(
          flag("--echo", { description: message`Sends every message back on its stream.` }),
          () => "echo" as const,
        ),
        map(
          flag("--discard", { description: message`Counts what comes, and drops it.` }),
          () => "discard" as const,
        ),
        map(
          flag("--send", { description: message`Sends generated messages as fast as they go.` }),
          () => "send" as const,
        ),
      ),
      "pipe" as const,
    ),
    count: optional(option("--count", integer({ min: 1 }), {
      description: message`Ends --send after so many messages.`,
    })),
    seconds: optional(option("--seconds", integer({ min: 1 }), {
      description: message`Ends --send after so many seconds.`,
    })),
    linger: optional(option("--linger", duration(), {
      description:
        message`When the input has ended, waits until nothing has come for so long before the shutdown, after which the peer cannot answer. By default 200ms for a pipe.`,
    })),
    abort: option("--abort", { description: message`Ends with ABORT instead of a shutdown.` }),
    json: jsonFlag,
  }),
);

/** The values of every group. */
export interface SctpOptions {
  readonly authentication: GroupValue<typeof authenticationOptions>;
  readonly transport: GroupValue<typeof transportOptions>;
  readonly protocol: GroupValue<typeof protocolOptions>;
  readonly messages: GroupValue<typeof messageOptions>;
  readonly transfer: GroupValue<typeof transferOptions>;
}

type GroupValue<P> = P extends Parser<"sync", infer T, infer _> ? T : never;

/** The parameters that the options ask for. */
export function parametersOf(
  { protocol, transport }: Pick<SctpOptions, "protocol" | "transport">,
): Partial<Parameters> {
  const { settings, streams } = protocol;
  return {
    ...(transport.follow ? { followAddresses: 1 } : {}),
    ...Object.fromEntries(settings) as Partial<Parameters>,
    ...(streams === undefined ? {} : { outboundStreams: streams }),
  };
}

/** A word: an SCTP port alone, or with the host before it. */
export interface Target {
  readonly host: string | undefined;
  readonly port: number;
}

/** `7`, `server:7` or `[2001:db8::1]:7`. */
export function target(): ValueParser<"sync", Target> {
  const plain = port();
  return {
    mode: "sync",
    metavar: "TARGET",
    placeholder: { host: undefined, port: 1 },
    parse: (text) => {
      const [, bracketed, name, digits] = /^(?:(?:\[([^\]]+)\]|([^:]+)):)?([^:]*)$/.exec(text) ??
        [];
      if (digits === undefined) {
        return {
          success: false,
          error: message`Expected an SCTP port or HOST:PORT, but got ${text}.`,
        };
      }
      const result = plain.parse(digits);
      if (!result.success) return result;
      return { success: true, value: { host: bracketed ?? name, port: result.value } };
    },
    format: ({ host, port }) => host === undefined ? String(port) : `${host}:${port}`,
  };
}
