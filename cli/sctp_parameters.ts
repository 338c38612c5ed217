/** `shimkit sctp parameters`: what `--param` can set. */
import { object } from "@optique/core/constructs";
import { PARAMETERS } from "../core/sctp/parameters.ts";
import { defineCommand } from "./command.ts";
import { ExitCode } from "./exit_codes.ts";
import { jsonFlag } from "./options.ts";
import { formatTable } from "./table.ts";

export default defineCommand({
  description: "Lists the protocol parameters with their defaults, ranges, units and sources.",
  examples: [
    { args: "sctp parameters", does: "a table" },
    { args: "sctp parameters --json", does: "the same for a program" },
  ],
  parser: object({ json: jsonFlag }),
  run({ json }, io) {
    if (json) {
      io.print(JSON.stringify(PARAMETERS));
      return Promise.resolve(ExitCode.ok);
    }
    const rows = Object.entries(PARAMETERS).map(([name, row]) => [
      name,
      `${row.default} ${row.unit}`,
      `${row.minimum}..${row.maximum}`,
      `${row.rfcName}; ${row.source}`,
    ]);
    formatTable(rows).forEach(io.print);
    return Promise.resolve(ExitCode.ok);
  },
});
