/** `shimkit explain`: which rule decides about a connection, and what happens to it. */
import { lookup } from "node:dns/promises";
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { withDefault } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { choice, string } from "@optique/core/valueparser";
import { explain, type Explanation } from "../core/rules/explain.ts";
import { CHAINS, PROTOCOLS } from "../core/rules/rule.ts";
import { IpAddress } from "../core/sctp/base/address.ts";
import { CliError, defineCommand } from "./command.ts";
import { ExitCode } from "./exit_codes.ts";
import { jsonFlag, port } from "./options.ts";
import { openRulesStore, rulesPlaceOptions } from "./rules_store.ts";

export default defineCommand({
  description:
    "Says which chain is searched for a host and port, which rule decides, and what happens to a " +
    "connection there. A name is explained for each of its addresses. Nothing is sent to the host.",
  examples: [
    { args: "explain 10.1.2.3 22", does: "what happens to an SSH connection" },
    { args: "explain --chain local 0.0.0.0 80", does: "whether a web server here gets SCTP" },
    { args: "explain 10.1.2.3 53 -P udp", does: "what happens to a DNS query" },
    { args: "explain localhost 22 --json", does: "the same for a program" },
  ],
  parser: object({
    host: argument(string({ metavar: "HOST" }), {
      description: message`An address, or a name that has some.`,
    }),
    port: argument(port(), { description: message`A port.` }),
    chain: withDefault(
      option("-c", "--chain", choice(CHAINS, { metavar: "CHAIN" }), {
        description: message`For a connection to the host, or for a server of this host there.`,
      }),
      "remote" as const,
    ),
    protocol: withDefault(
      option("-P", "--protocol", choice(PROTOCOLS, { metavar: "PROTOCOL" }), {
        description: message`TCP or UDP, by default TCP.`,
      }),
      "tcp" as const,
    ),
    json: jsonFlag,
    ...rulesPlaceOptions,
  }),
  async run({ host, port, chain, protocol, json, ...place }, io) {
    const [addresses, { configuration }] = await Promise.all([
      addressesOf(host),
      openRulesStore(place).then((store) => store.read()),
    ]);
    const explanations = addresses.map((each) =>
      explain(configuration, chain, each, port, protocol)
    );
    if (json) io.print(JSON.stringify(explanations));
    else explanations.flatMap(explanationLines).forEach(io.print);
    return ExitCode.ok;
  },
});

function explanationLines(
  { chain, protocol, address, port, enabled, sentences }: Explanation,
): string[] {
  const what = protocol === "tcp" ? "" : `${protocol} `;
  return [
    `${chain} ${address} ${what}port ${port}: ${enabled ? "enabled" : "disabled"}`,
    ...sentences.map((sentence) => `  ${sentence}`),
  ];
}

async function addressesOf(host: string): Promise<IpAddress[]> {
  const address = IpAddress.tryParse(host);
  if (address) return [address];
  const found = await lookup(host, { all: true }).catch((error: Error) => {
    throw new CliError(`cannot find an address of "${host}": ${error.message}`);
  });
  return [...new Set(found.map((each) => each.address))].flatMap((text) =>
    IpAddress.tryParse(text) ?? []
  );
}
