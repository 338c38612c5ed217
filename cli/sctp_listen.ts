/** `shimkit sctp listen`: accepts associations, and does one thing with what they bring. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { SCTP_UDP_PORT } from "../core/net/mod.ts";
import type { SctpListener } from "../core/socket/listener.ts";
import type { SctpStack } from "../core/socket/stack.ts";
import { authenticationOptions } from "./auth_options.ts";
import { defineCommand, UsageError } from "./command.ts";
import { ExitCode } from "./exit_codes.ts";
import type { CommandIo } from "./io.ts";
import { port } from "./options.ts";
import {
  messageOptions,
  protocolOptions,
  type SctpOptions,
  transferOptions,
  transportOptions,
} from "./sctp_options.ts";
import { explain, openStack, planOf, serve } from "./sctp_session.ts";

export default defineCommand({
  description:
    "Accepts SCTP associations. By default the messages that come go to standard output, and " +
    "standard input to the peer: one association after the other. With --echo, --discard or --send " +
    "any number at once.",
  examples: [
    { args: "sctp listen 7 --echo", does: "an echo server over UDP port 9899" },
    { args: "sctp listen 5001 --once > copy", does: "receives a file" },
    { args: "sctp listen 9 --discard --raw", does: "counts bytes; SCTP directly over IP" },
  ],
  parser: object({
    port: optional(argument(port(), { description: message`SCTP port.` })),
    portOption: optional(option("--port", port(), { description: message`SCTP port.` })),
    once: option("--once", { description: message`Exits when the first association has ended.` }),
    transport: transportOptions,
    protocol: protocolOptions,
    authentication: authenticationOptions,
    messages: messageOptions,
    transfer: transferOptions,
  }),
  async run(values, io) {
    const sctpPort = values.port ?? values.portOption;
    if (sctpPort === undefined) throw new UsageError("an SCTP port is missing");
    const { carrier } = values.transport;
    const stack = await openStack(values, [carrier?.udpPort ?? SCTP_UDP_PORT], io);
    const interruption = io.interruption();
    try {
      const listener = stack.listen({ port: sctpPort });
      interruption.addEventListener("abort", () => listener.close(), { once: true });
      io.printError(`listening on ${describePlace(stack, sctpPort)}`);
      return await acceptAll(listener, stack, values, io);
    } catch (error) {
      throw explain(error);
    } finally {
      await stack.close();
    }
  },
});

function describePlace(stack: SctpStack, sctpPort: number): string {
  const carrier = stack.encapsulationPort
    ? `over UDP port ${stack.encapsulationPort}`
    : "directly over IP";
  return `SCTP port ${sctpPort} ${carrier}, addresses ${stack.localAddresses.join(", ")}`;
}

async function acceptAll(
  listener: SctpListener,
  stack: SctpStack,
  options: SctpOptions & { readonly once: boolean },
  io: CommandIo,
): Promise<ExitCode> {
  const oneByOne = options.once || options.transfer.mode === "pipe";
  const running = new Set<Promise<ExitCode>>();
  for await (const connection of listener) {
    io.printError(`association with ${connection.remoteAddr.addresses.join(", ")} is up`);
    const served = serve(connection, stack, options, planOf(options, true), io);
    running.add(served);
    served.finally(() => running.delete(served)).catch(() => {});
    const code = oneByOne ? await served : ExitCode.ok;
    if (options.once) return code;
  }
  await Promise.all(running);
  return ExitCode.ok;
}
