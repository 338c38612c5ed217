/** `shimkit sctp states`: the association's state machine, as the engine runs it. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import { STATE_TABLE, STATES } from "../core/sctp/states.ts";
import type { StateTableRow } from "../core/sctp/states.ts";
import { defineCommand } from "./command.ts";
import { ExitCode } from "./exit_codes.ts";
import { jsonFlag } from "./options.ts";
import { formatTable } from "./table.ts";

function printable({ state, event, action, next, section, rfc }: StateTableRow) {
  return { state, event, action, next: next ?? state, section: `RFC ${rfc}, section ${section}` };
}

/** Without the RFC where it is the one that all the others extend. */
function sourceOf({ rfc, section }: StateTableRow): string {
  return rfc === 9260 ? `section ${section}` : `RFC ${rfc}, section ${section}`;
}

function linesOf(state: string, rows: readonly StateTableRow[]): string[] {
  const cells = rows.map((row) => [
    `  ${row.event}`,
    row.action,
    row.next ? `-> ${row.next}` : "",
    sourceOf(row),
  ]);
  return [state, ...formatTable(cells), ""];
}

export default defineCommand({
  description:
    "Prints what each event does in each state, with the section of RFC 9260 that says so. This " +
    "is the table by which the engine dispatches chunks, not a copy of it.",
  examples: [
    { args: "sctp states", does: "the whole table" },
    { args: "sctp states --state COOKIE-WAIT", does: "one state" },
    { args: "sctp states --json", does: "the rows as a JSON array" },
  ],
  parser: object({
    state: optional(option("--state", choice(STATES, { metavar: "STATE", caseInsensitive: true }), {
      description: message`Shows this state only.`,
    })),
    json: jsonFlag,
  }),
  run({ state, json }, io) {
    const rows = STATE_TABLE.filter((row) => state === undefined || row.state === state);
    if (json) {
      io.print(JSON.stringify(rows.map(printable)));
      return Promise.resolve(ExitCode.ok);
    }
    for (const each of STATES) {
      const here = rows.filter((row) => row.state === each);
      if (here.length > 0) linesOf(each, here).forEach(io.print);
    }
    return Promise.resolve(ExitCode.ok);
  },
});
