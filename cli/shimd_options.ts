/** The options of `shimkit shimd`. */
import { group, object } from "@optique/core/constructs";
import { message, text } from "@optique/core/message";
import { multiple, optional, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import type { ValueParser } from "@optique/core/valueparser";
import {
  formatHostPort,
  type ForwardSpec,
  parseForward,
  parseServe,
  type ServeSpec,
} from "../core/shim/endpoint_spec.ts";
import { SCTP_UDP_PORT } from "../core/net/mod.ts";
import { keyOption } from "./auth_options.ts";
import { controlOption } from "./control.ts";
import { interception } from "./shimd_intercept.ts";
import { duration, ipAddresses, jsonFlag, port } from "./options.ts";
import { rulesFileOption } from "./rules_store.ts";
import { parameterSetting, withOpenValue } from "./sctp_options.ts";

/** A value that one of the shim's own parsers reads. */
function specParser<T>(
  metavar: "FRONT=SERVER" | "PORT=SERVER",
  parse: (text: string) => T,
  format: (value: T) => string,
  example: string,
): ValueParser<"sync", T> {
  return {
    mode: "sync",
    metavar,
    placeholder: parse(example),
    parse: (given) => {
      try {
        return { success: true, value: parse(given) };
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        return { success: false, error: [text(`${error.message}.`)] };
      }
    },
    format,
  };
}

function formatForward({ listen, hosts, port }: ForwardSpec): string {
  const server = hosts.length === 1 ? formatHostPort(hosts[0], port) : `${hosts.join(",")}:${port}`;
  return `${formatHostPort(listen.address.text, listen.port)}=${server}`;
}

function formatServe({ port, host, hostPort }: ServeSpec): string {
  return `${port}=${formatHostPort(host, hostPort)}`;
}

const connections = group(
  "Connections",
  object({
    forwards: multiple(
      option(
        "--forward",
        specParser("FRONT=SERVER", parseForward, formatForward, "2222=server:22"),
        {
          description:
            message`Carries TCP connections to the front to the server, such as 127.0.0.1:2222=server:22; more addresses of the server are joined by commas: 2222=10.0.0.2,10.0.1.2:22. May be repeated.`,
        },
      ),
    ),
    serves: multiple(
      option("--serve", specParser("PORT=SERVER", parseServe, formatServe, "22=127.0.0.1:22"), {
        description:
          message`Takes associations to this SCTP port for the local TCP server on the same port, or for another one: 22=127.0.0.1:2022. May be repeated.`,
      }),
    ),
    serveListeners: option("--serve-listeners", {
      description:
        message`Takes associations for the TCP servers of this host that the local rules enable ("shimkit shimrules -c local"), as they come and go. As root the servers see the clients' own addresses and ports. Implied by --intercept.`,
    }),
    noFallback: option("--no-fallback", {
      description: message`Refuses connections that SCTP cannot make, instead of using TCP.`,
    }),
    drain: withDefault(
      option("--drain", duration(), {
        description:
          message`When stopped, lets open connections finish for so long before they are reset.`,
      }),
      0,
    ),
  }),
);

const transport = group(
  "Transport",
  object({
    udp: optional(
      withOpenValue(
        option("--udp", integer({ min: 0, max: 65_535, metavar: "PORT" }), {
          description:
            message`Encapsulates in UDP (RFC 6951), which needs no rights; the port is this side's, by default 9899, 0 for one that is free. This is the default.`,
        }),
        "--udp",
        SCTP_UDP_PORT,
      ),
    ),
    raw: option("--raw", {
      description:
        message`Sends SCTP directly over IP, which needs root. With --udp too, servers are reached over UDP where they have it, else over IP, and clients come by both.`,
    }),
    udpRemote: withDefault(
      option("--udp-remote", port(), { description: message`The servers' UDP port.` }),
      SCTP_UDP_PORT,
    ),
    local: optional(option("--local", ipAddresses(), {
      description: message`Addresses of this side, joined by commas; by default all of this host.`,
    })),
    follow: option("--follow", {
      description:
        message`Adds addresses to live associations and deletes them as this host's interfaces come and go (RFC 5061), if the peer can do that.`,
    }),
  }),
);

const protocol = group(
  "Protocol",
  object({
    settings: multiple(option("--param", parameterSetting(), {
      description:
        message`Sets a protocol parameter, such as rtoMin=200; "shimkit sctp parameters" lists them. May be repeated.`,
    })),
    initRtxMax: optional(
      option("--init-rtx-max", integer({ min: 0, max: 1000 }), {
        description:
          message`How often INIT is sent again before a connection falls back to TCP; by default the setting shim.init_rtx_max.`,
      }),
    ),
    pathRtxMax: optional(
      option("--path-rtx-max", integer({ min: 0, max: 1000 }), {
        description:
          message`Time-outs in a row after which a path counts as failed; by default the setting shim.path_rtx_max.`,
      }),
    ),
  }),
);

const authentication = group("Authentication", object({ keys: keyOption }));

const reporting = group(
  "Reporting",
  object({
    json: jsonFlag,
    statusInterval: optional(
      option("--status-interval", duration(), {
        description: message`Prints the status so often; by default never.`,
      }),
    ),
    controlStdin: option("--control-stdin", {
      description:
        message`Takes commands from standard input, a JSON object a line: {"kind":"status"}, {"kind":"stop","drain":MS}, {"kind":"cut","remote":ADDRESS}, {"kind":"heal","remote":ADDRESS}. Stops when it ends.`,
    }),
  }),
);

const control = group(
  "Control",
  object({
    file: rulesFileOption,
    path: controlOption,
    none: option("--no-control", {
      description:
        message`Opens no control socket: rules and settings are read at the start, and stay so.`,
    }),
  }),
);

/** Every option of `shimkit shimd`. */
export const shimdOptions = object({
  connections,
  interception,
  transport,
  protocol,
  authentication,
  reporting,
  control,
});

/** The values of the options. */
export type ShimdOptions = InferValue<typeof shimdOptions>;
