/** `shimkit sctp connect`: sets up an association, and does one thing with it. */
import { lookup } from "node:dns/promises";
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { IpAddress } from "../core/sctp/base/address.ts";
import type { SctpConnection } from "../core/socket/connection.ts";
import type { SctpStack } from "../core/socket/stack.ts";
import { SCTP_UDP_PORT } from "../core/net/mod.ts";
import { authenticationOptions } from "./auth_options.ts";
import { CliError, defineCommand, UsageError } from "./command.ts";
import type { CommandIo } from "./io.ts";
import { ipAddresses, port } from "./options.ts";
import {
  messageOptions,
  protocolOptions,
  type SctpOptions,
  type Target,
  target,
  transferOptions,
  transportOptions,
} from "./sctp_options.ts";
import { explain, openStack, planOf, serve } from "./sctp_session.ts";

/** Whom to connect to. */
interface Peer {
  readonly addresses: readonly IpAddress[];
  readonly port: number;
}

export default defineCommand({
  description:
    "Sets up an SCTP association. By default standard input goes to the peer as messages, and its " +
    "messages to standard output; ends when the input does.",
  examples: [
    { args: "sctp connect 127.0.0.1:7", does: "talks to an echo server over UDP port 9899" },
    {
      args: "sctp connect 5001 --peer 10.1.0.2,10.2.0.2 < file",
      does: "sends a file to a peer with two addresses",
    },
    {
      args: "sctp connect server:9 --send --seconds 10 --message-size 1KiB",
      does: "measures the throughput to a listener with --discard",
    },
  ],
  parser: object({
    target: optional(argument(target(), {
      description: message`SCTP port, or HOST:PORT instead of --peer.`,
    })),
    portOption: optional(option("--port", port(), { description: message`SCTP port.` })),
    peer: optional(option("--peer", ipAddresses(), {
      description: message`Addresses of the peer, joined by commas; the first is tried first.`,
    })),
    localPort: optional(option("--local-port", port(), {
      description: message`SCTP port of this side; by default one that is free.`,
    })),
    transport: transportOptions,
    protocol: protocolOptions,
    authentication: authenticationOptions,
    messages: messageOptions,
    transfer: transferOptions,
  }),
  async run(values, io) {
    const peer = await peerOf(values.target, values.portOption, values.peer);
    const stack = await openStack(values, localUdpPorts(values), io);
    try {
      const connection = await connect(stack, peer, values, io);
      checkStream(connection, values);
      return await serve(connection, stack, values, planOf(values, false), io);
    } catch (error) {
      throw explain(error);
    } finally {
      await stack.close();
    }
  },
});

async function peerOf(
  target: Target | undefined,
  portOption: number | undefined,
  peer: readonly IpAddress[] | undefined,
): Promise<Peer> {
  const sctpPort = target?.port ?? portOption;
  if (sctpPort === undefined) throw new UsageError("the SCTP port of the peer is missing");
  if (peer) return { addresses: peer, port: sctpPort };
  if (target?.host === undefined) {
    throw new UsageError("the peer is missing", "Name it with --peer ADDRESSES or as HOST:PORT.");
  }
  return { addresses: await resolve(target.host), port: sctpPort };
}

async function resolve(host: string): Promise<readonly IpAddress[]> {
  const address = IpAddress.tryParse(host);
  if (address) return [address];
  try {
    return (await lookup(host, { all: true })).map(({ address }) => IpAddress.parse(address));
  } catch {
    throw new CliError(`there is no address for the name ${host}`, "Name addresses with --peer.");
  }
}

/** Without a wish: the registered port, or any where a listener on this host has taken it. */
function localUdpPorts({ transport }: SctpOptions): readonly number[] {
  const { carrier } = transport;
  return carrier?.udpPort === undefined ? [SCTP_UDP_PORT, 0] : [carrier.udpPort];
}

async function connect(
  stack: SctpStack,
  peer: Peer,
  options: SctpOptions & { readonly localPort: number | undefined },
  io: CommandIo,
): Promise<SctpConnection> {
  const interruption = io.interruption();
  try {
    return await stack.connect({
      ...peer,
      localPort: options.localPort,
      encapsulationPort: options.transport.udpRemote,
      signal: interruption,
    });
  } catch (error) {
    if (interruption.aborted) throw new CliError("interrupted before the association was up");
    throw error;
  }
}

function checkStream(connection: SctpConnection, { messages, transfer }: SctpOptions): void {
  const { outboundStreams } = connection;
  if (transfer.mode === "echo" || messages.stream < outboundStreams) return;
  throw new UsageError(
    `there is no stream ${messages.stream}: the association has ${outboundStreams} to send on`,
    "Ask for more with --streams N; the peer may grant less.",
  );
}
