/** `shimkit shimrules`: rules that enable or disable the shim (Bickhart 2005, figure 2.6). */
import { CHAINS, formatRule, type Rule } from "../core/rules/rule.ts";
import type { RuleChain } from "../core/rules/rule_chain.ts";
import type { RuleTable } from "../core/rules/table.ts";
import { defineCommand } from "./command.ts";
import { ExitCode } from "./exit_codes.ts";
import type { CommandIo } from "./io.ts";
import { openRulesStore, type RulesSnapshot } from "./rules_store.ts";
import { type Request, requestOf, shimrulesOptions } from "./shimrules_request.ts";
import { formatTable } from "./table.ts";

export default defineCommand({
  description:
    "Decides which connections are carried over SCTP. A chain is local (servers on this host) or " +
    "remote (connections to others) and has a default policy; its rules of the other policy are " +
    "searched in their order, and the first one that matches overrides the default. What a rule " +
    "leaves open matches everything, but that a rule is about TCP unless it says UDP, which no " +
    "default enables.",
  examples: [
    {
      args: "shimrules -A -c remote -p enable -n 10.1.2.0/24 -s 22",
      does: "SSH to that network goes over SCTP where the server has it",
    },
    {
      args: "shimrules -A -c local -p enable -r 8000:8099",
      does: "servers on these ports are reachable over SCTP too",
    },
    {
      args: "shimrules -A -c remote -p enable -P udp -s 53",
      does: "DNS queries go over SCTP where the server's host has a shim",
    },
    { args: "shimrules -L -c remote", does: "the rules of a chain, with the number of hits" },
    {
      args: "shimrules -D -c remote -p enable -n 10.1.2.0/24 -s 22",
      does: "takes the first rule out again",
    },
    { args: "shimrules -S -c remote -p enable", does: "SCTP for all that no rule disables" },
    { args: "shimrules -G -c remote", does: "shows that default" },
    { args: "shimrules -F", does: "deletes all rules" },
  ],
  helpOptions: ["-H", "--help"],
  parser: shimrulesOptions,
  async run(options, io) {
    const request = requestOf(options);
    const { json, ...place } = options.output;
    const store = await openRulesStore(place);
    if (request.kind === "change") {
      const { configuration } = await store.apply(request.change);
      if (request.change.kind === "add") tellIfIdle(request.change.rule, configuration.table, io);
      return ExitCode.ok;
    }
    const snapshot = await store.read();
    if (request.kind === "default") showDefault(request.chain, snapshot, json, io);
    else if (json) io.print(JSON.stringify(listData(snapshot, request)));
    else showList(snapshot, request, store.name, io);
    return ExitCode.ok;
  },
});

type ListRequest = Extract<Request, { kind: "list" }>;

/** A rule of the chain that is not searched is kept, but whoever adds it should know. */
function tellIfIdle({ chain, policy, protocol }: Rule, table: RuleTable, io: CommandIo): void {
  const { policy: searched } = table.searched(chain, protocol);
  if (searched === policy) return;
  if (protocol === "udp") {
    return io.printError("The rule is kept but not searched: no UDP is carried unless enabled.");
  }
  io.printError(
    `The rule is kept but not searched, for the default of ${chain} is ${policy} already; ` +
      `shimrules -S -c ${chain} -p ${searched} would change that.`,
  );
}

function showDefault(
  chain: Rule["chain"],
  { configuration }: RulesSnapshot,
  json: boolean,
  io: CommandIo,
): void {
  const policy = configuration.table.defaultOf(chain);
  io.print(json ? JSON.stringify({ chain, policy }) : policy);
}

function showList(
  snapshot: RulesSnapshot,
  { chain, policy }: ListRequest,
  place: string,
  io: CommandIo,
): void {
  const { table } = snapshot.configuration;
  const rows = table.select(chain, policy).flatMap((each) => listRows(each, table, snapshot));
  if (rows.length === 0) io.printError(`There are no such rules in ${place}.`);
  formatTable(rows).forEach(io.print);
}

function listRows(
  chain: RuleChain,
  table: RuleTable,
  { counted }: RulesSnapshot,
): [typed: string, comment: string][] {
  return chain.entries.map(({ rule, hits }, index) => {
    const idle = table.searched(chain.chain, rule.protocol) === chain ? "" : ", not searched";
    const count = counted ? `, ${hits} ${hits === 1 ? "hit" : "hits"}` : "";
    return [`-A ${formatRule(rule)}`, `# ${chain.name} ${index + 1}${count}${idle}`];
  });
}

/** The list for a program. `hits` is null where nobody counts. */
function listData({ configuration, counted }: RulesSnapshot, { chain, policy }: ListRequest) {
  const { table } = configuration;
  const rulesOf = ({ entries }: RuleChain) =>
    entries.map(({ rule, hits }, index) => ({
      number: index + 1,
      text: formatRule(rule),
      protocol: rule.protocol,
      address: rule.network?.address.text ?? null,
      prefixLength: rule.network?.prefixLength ?? null,
      ports: rule.ports ?? null,
      hits: counted ? hits : null,
    }));
  return {
    defaults: Object.fromEntries(CHAINS.map((each) => [each, table.defaultOf(each)])),
    chains: table.select(chain, policy).map((each) => ({
      name: each.name,
      searched: table.searched(each.chain) === each,
      rules: rulesOf(each),
    })),
  };
}
