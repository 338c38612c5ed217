/** `shimkit netem`: links with rate, delay and loss between two network namespaces. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { multiple, optional, withDefault } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { hasNamespace, MadeNamespaces } from "../core/netem/namespaces.ts";
import { Netem, type NetemWire } from "../core/netem/netem.ts";
import type { WireReport } from "../core/netem/protocol.ts";
import { CliError, defineCommand, UsageError } from "./command.ts";
import { ExitCode } from "./exit_codes.ts";
import type { CommandIo } from "./io.ts";
import { LINK_HELP, linkAddresses, linkPlan, twoNames } from "./netem_options.ts";
import { describeWires } from "./netem_report.ts";
import { duration, jsonFlag } from "./options.ts";

/** Seeds are numbers below this. */
const SEEDS = 0x1_0000_0000;

const DEFAULT_ENDS: readonly [string, string] = ["left", "right"];

export default defineCommand({
  description:
    "Lays links between two network namespaces: TUN devices, between which packets are lost, wait, " +
    `leave at a rate and arrive late, in this order. A link is written as ${LINK_HELP}. As root.`,
  examples: [
    {
      args: "netem --create --link rate=1.5mbit,delay=35ms,loss=1%",
      does: "one link between the new namespaces left and right, until it is interrupted",
    },
    {
      args: "netem --ends client,server --link delay=5ms,cut=10s-20s --link delay=30ms",
      does: "two links, the first of which is cut for ten seconds",
    },
  ],
  parser: object({
    ends: withDefault(
      option("--ends", twoNames(), {
        description: message`Network namespaces, by the names that ${"ip netns"} has, or by paths.`,
      }),
      DEFAULT_ENDS,
    ),
    create: option("--create", {
      description: message`Makes those that there are not, and deletes them at the end.`,
    }),
    links: multiple(
      option("--link", linkPlan(), { description: message`A link; may be given several times.` }),
      { min: 1, max: 64 },
    ),
    addresses: multiple(
      option("--addresses", linkAddresses(), {
        description:
          message`Addresses of the first link, then of the second: both ends', joined by a comma, several by +. By default 10.99.N.1 and .2, fd00:99:N::1 and ::2, N counting links from 0.`,
      }),
    ),
    seed: withDefault(
      option("--seed", integer({ min: 0, max: SEEDS - 1 }), {
        description: message`The same seed loses the same packets of a sequence.`,
      }),
      1,
    ),
    duration: optional(
      option("--duration", duration(), {
        description: message`How long; by default until Ctrl-C.`,
      }),
    ),
    interval: optional(
      option("--interval", duration(), {
        description: message`Prints what has passed each time so much time has.`,
      }),
    ),
    json: jsonFlag,
  }),
  async run({ ends, create, links, addresses, seed, duration, interval, json }, io) {
    if (addresses.length > links.length) {
      throw new UsageError(
        `there are ${addresses.length} pairs of addresses for ${links.length} links`,
      );
    }
    using made = new MadeNamespaces();
    for (const end of ends) requireNamespace(end, create, made);
    const wires = links.map((plan, index): NetemWire => ({
      ...plan,
      name: `wire${index}`,
      addresses: addresses[index] ?? defaultAddresses(index),
    }));
    const netem = await start({ ends, wires, seed });
    const tell = (reports: readonly WireReport[]) => {
      const lines = json ? [JSON.stringify({ wires: reports })] : describeWires(reports, ends);
      for (const line of lines) io.print(line);
    };
    for (const wire of wires) io.printError(describeEnds(wire, ends));
    const timer = interval === undefined
      ? undefined
      : setInterval(() => void netem.report().then(tell, () => {}), Math.max(interval, 100));
    try {
      await Promise.race([over(duration, io), netem.ended]);
    } catch (error) {
      throw new CliError(`the emulator broke: ${messageOf(error)}`);
    } finally {
      clearInterval(timer);
    }
    tell(await netem.stop());
    return ExitCode.ok;
  },
});

function requireNamespace(name: string, create: boolean, made: MadeNamespaces): void {
  if (hasNamespace(name)) return;
  if (!create) {
    const hint = `Make it with "ip netns add ${name}", or have it made by --create.`;
    throw new CliError(`there is no network namespace ${name}`, hint);
  }
  try {
    made.make(name);
  } catch (error) {
    throw new CliError(`no network namespace ${name}: ${messageOf(error)}`, "Do it as root.");
  }
}

async function start(options: Parameters<typeof Netem.start>[0]): Promise<Netem> {
  try {
    return await Netem.start(options);
  } catch (error) {
    const hint = "It needs root, /dev/net/tun and the program ip; device names must be free.";
    throw new CliError(messageOf(error), hint);
  }
}

/** 10.99.N.1/24 and the like. */
function defaultAddresses(index: number): NetemWire["addresses"] {
  const of = (end: 1 | 2) => [`10.99.${index}.${end}/24`, `fd00:99:${index}::${end}/64`];
  return [of(1), of(2)];
}

function describeEnds({ name, addresses }: NetemWire, ends: readonly [string, string]): string {
  const [first, second] = addresses.map((list, i) => `${ends[i]} ${list.join(" ")}`);
  return `${name}: ${first}, ${second}`;
}

/** Resolves when the time is over, or at the first interruption. */
async function over(duration: number | undefined, io: CommandIo): Promise<void> {
  const signal = io.interruption();
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  const timer = duration === undefined ? undefined : setTimeout(resolve, duration);
  if (signal.aborted) resolve();
  await promise;
  clearTimeout(timer);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
