/** `shimkit doctor`: what of shimkit works on this host, and what to do about the rest. */
import { object } from "@optique/core/constructs";
import { defineCommand } from "./command.ts";
import { ExitCode } from "./exit_codes.ts";
import { checkHost } from "./host_checks.ts";
import type { HostCheck } from "./host_checks.ts";
import { jsonFlag } from "./options.ts";
import { formatTable } from "./table.ts";
import { versionLine, versions } from "./version.ts";

/** Lines for a person: the table, then what can be done. */
export function describeChecks(checks: readonly HostCheck[]): string[] {
  const table = formatTable(checks.map(({ name, status, found }) => [name, status, found]));
  const advice = checks.filter((check) => check.advice !== undefined)
    .map(({ name, advice }) => `  ${name}: ${advice}`);
  return advice.length > 0 ? [...table, "", "What can be done:", ...advice] : table;
}

export default defineCommand({
  description:
    "Tries what shimkit can use of this host: FFI, raw sockets, UDP offload, packet filters. " +
    "Nothing is changed. SCTP over UDP and explicit forwards work wherever Deno does, so a " +
    "missing part is no failure.",
  examples: [
    { args: "doctor", does: "a table, and what can be done about what is missing" },
    { args: "doctor --json", does: "the same for a program" },
  ],
  parser: object({ json: jsonFlag }),
  run({ json }, io) {
    const checks = checkHost();
    if (json) io.print(JSON.stringify({ versions: versions(), checks }));
    else [versionLine(), "", ...describeChecks(checks)].forEach(io.print);
    return Promise.resolve(ExitCode.ok);
  },
});
