/** `shimkit cache`: what a running daemon knows about servers. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { option } from "@optique/core/primitives";
import { formatHostPort } from "../core/shim/endpoint_spec.ts";
import type { AvailabilityEntry } from "../core/shim/policy/availability_cache.ts";
import { defineCommand } from "./command.ts";
import { ask, controlOption, defaultControlPath, requireControl } from "./control.ts";
import { ExitCode } from "./exit_codes.ts";
import { jsonFlag } from "./options.ts";
import { formatTable } from "./table.ts";

export default defineCommand({
  description:
    "Shows which servers the running shimd knows to have SCTP or to have none, so that it does not " +
    "try again. Both are forgotten after net.inet.sctp.shim.cache_lifetime, and when the host's " +
    "addresses or links change.",
  examples: [
    { args: "cache", does: "every server that is known" },
    { args: "cache --flush", does: "forgets them: each is tried again" },
  ],
  parser: object({
    flush: option("--flush", { description: message`Forgets what it shows.` }),
    json: jsonFlag,
    control: controlOption,
  }),
  async run({ flush, json, control }, io) {
    using client = await requireControl(control ?? defaultControlPath());
    const entries = await ask(client, "availability", { flush }) as readonly AvailabilityEntry[];
    if (json) io.print(JSON.stringify(entries));
    else for (const line of formatTable(entries.map(cellsOf))) io.print(line);
    return ExitCode.ok;
  },
});

function cellsOf(entry: AvailabilityEntry): readonly string[] {
  const { address, port, available, age, expiresIn, reason } = entry;
  return [
    formatHostPort(address, port),
    available === "yes" ? "SCTP" : "no SCTP",
    `${seconds(age)} s old, ${seconds(expiresIn)} s left`,
    reason,
  ];
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(0);
}
