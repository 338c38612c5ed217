/** The options of `shimkit shimrules`, and what each combination of them asks for. */
import { group, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { option } from "@optique/core/primitives";
import { choice, string } from "@optique/core/valueparser";
import { type Change, setDefault } from "../core/rules/configuration.ts";
import { Fault } from "../core/rules/fault.ts";
import {
  type Chain,
  CHAINS,
  parseChain,
  parsePolicy,
  POLICIES,
  type Policy,
  PROTOCOLS,
  ruleOf,
} from "../core/rules/rule.ts";
import { UsageError } from "./command.ts";
import { jsonFlag } from "./options.ts";
import { rulesPlaceOptions } from "./rules_store.ts";

const commands = group(
  "Commands",
  object({
    add: option("-A", "--add", { description: message`Adds a rule at the end of its chain.` }),
    delete: option("-D", "--delete", {
      description: message`Deletes the rule of the same specification.`,
    }),
    list: option("-L", "--list", {
      description: message`Lists rules as they are typed, with the number of hits.`,
    }),
    flush: option("-F", "--flush", {
      description: message`Deletes all rules, or all of a chain.`,
    }),
    getDefault: option("-G", "--get-default", {
      description: message`Shows the default policy of a chain.`,
    }),
    setDefault: option("-S", "--set-default", {
      description: message`Sets the default policy of a chain.`,
    }),
  }),
);

const specification = group(
  "Rule",
  object({
    chain: optional(option("-c", "--chain", choice(CHAINS, { metavar: "CHAIN" }), {
      description: message`For local servers, or for connections to remote ones.`,
    })),
    policy: optional(option("-p", "--policy", choice(POLICIES, { metavar: "POLICY" }), {
      description: message`Whether SCTP is used.`,
    })),
    protocol: optional(
      option("-P", "--protocol", choice(PROTOCOLS, { metavar: "PROTOCOL" }), {
        description: message`What the applications speak; TCP if it is left out.`,
      }),
    ),
    host: optional(option("-h", "--host", string({ metavar: "ADDRESS" }), {
      description: message`An IPv4 or IPv6 address.`,
    })),
    network: optional(option("-n", "--network", string({ metavar: "ADDRESS/MASK" }), {
      description: message`A network, with a prefix length or a mask.`,
    })),
    port: optional(option("-s", "--port", string({ metavar: "PORT" }), {
      description: message`A single port.`,
    })),
    range: optional(option("-r", "--range", string({ metavar: "PORT:PORT" }), {
      description: message`A range of ports.`,
    })),
  }),
);

/** Every option. */
export const shimrulesOptions = object({
  commands,
  specification,
  output: group("Other", object({ json: jsonFlag, ...rulesPlaceOptions })),
});

/** The values of the options. */
export type ShimrulesOptions = InferValue<typeof shimrulesOptions>;

/** What is asked for. */
export type Request =
  | { readonly kind: "change"; readonly change: Change }
  | { readonly kind: "list"; readonly chain?: Chain; readonly policy?: Policy }
  | { readonly kind: "default"; readonly chain: Chain };

type CommandName = keyof ShimrulesOptions["commands"];
type Part = keyof ShimrulesOptions["specification"];

/** The letter of a command, and the parts of a specification that it takes. */
const COMMANDS: Readonly<Record<CommandName, readonly [letter: string, parts: string]>> = {
  add: ["-A", "cpPhnsr"],
  delete: ["-D", "cpPhnsr"],
  list: ["-L", "cp"],
  flush: ["-F", "cp"],
  getDefault: ["-G", "c"],
  setDefault: ["-S", "cp"],
};

const LETTERS: Readonly<Record<Part, string>> = {
  chain: "c",
  policy: "p",
  protocol: "P",
  host: "h",
  network: "n",
  port: "s",
  range: "r",
};

/** What the options ask for. @throws UsageError where they do not go together. */
export function requestOf({ commands, specification, output }: ShimrulesOptions): Request {
  const command = theCommand(commands);
  checkParts(command, specification);
  if (output.json && command !== "list" && command !== "getDefault") {
    throw new UsageError(`${COMMANDS[command][0]} prints nothing, so --json has nothing to do`);
  }
  return makeRequest(command, specification);
}

function theCommand(commands: ShimrulesOptions["commands"]): CommandName {
  const names = Object.keys(COMMANDS) as CommandName[];
  const [first, second] = names.filter((name) => commands[name]);
  if (first === undefined) {
    throw new UsageError(
      "no command is given",
      "Add one of -A (add), -D (delete), -L (list), -F (flush), -G (get) and -S (set default).",
    );
  }
  if (second === undefined) return first;
  throw new UsageError(`${COMMANDS[first][0]} and ${COMMANDS[second][0]} do not go together`);
}

function checkParts(command: CommandName, specification: ShimrulesOptions["specification"]): void {
  const [letter, parts] = COMMANDS[command];
  for (const part of Object.keys(LETTERS) as Part[]) {
    if (specification[part] !== undefined && !parts.includes(LETTERS[part])) {
      throw new UsageError(`${letter} takes no -${LETTERS[part]}`);
    }
  }
}

function makeRequest(
  command: CommandName,
  specification: ShimrulesOptions["specification"],
): Request {
  const { chain, policy } = specification;
  switch (command) {
    case "add":
    case "delete":
      return { kind: "change", change: { kind: command, rule: checked(ruleOf(specification)) } };
    case "list":
      return { kind: "list", chain, policy };
    case "flush":
      return { kind: "change", change: { kind: "flush", chain, policy } };
    case "getDefault":
      return { kind: "default", chain: checked(parseChain(chain)) };
    case "setDefault": {
      const change = setDefault(checked(parseChain(chain)), checked(parsePolicy(policy)));
      return { kind: "change", change };
    }
    default:
      return command satisfies never;
  }
}

function checked<T>(value: T | Fault): T {
  if (value instanceof Fault) throw new UsageError(value.message);
  return value;
}
