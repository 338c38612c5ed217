import assert from "node:assert/strict";
import { constant } from "@optique/core/primitives";
import { parseSync } from "@optique/core/parser";
import { CliError, defineCommand, UsageError } from "./command.ts";
import { ExitCode } from "./exit_codes.ts";
import { loggerOf } from "./logging.ts";
import { carryOut } from "./program.ts";
import { collectingIo } from "./testing/collecting_io.ts";

/** Runs a command that does only `action`. */
async function outcome(action: () => void, args: string[] = []) {
  const command = defineCommand({
    description: "",
    examples: [],
    logs: true,
    parser: constant(undefined),
    run: () => {
      action();
      return Promise.resolve(ExitCode.ok);
    },
  });
  const parsed = parseSync(command.parser, args);
  assert.ok(parsed.success);
  const { io, err } = collectingIo();
  return { code: await carryOut(parsed.value, io), err };
}

Deno.test("a failure that the user can mend is told with what to do, without a stack", async () => {
  const { code, err } = await outcome(() => {
    throw new CliError("port 9899 is taken", "Choose another with --udp.");
  });
  assert.equal(code, 1);
  assert.deepEqual(err, ["shimkit: port 9899 is taken", "Choose another with --udp."]);
});

Deno.test("options that do not go together are wrong usage", async () => {
  const { code } = await outcome(() => {
    throw new UsageError("--raw and --udp exclude each other");
  });
  assert.equal(code, 2);
});

Deno.test("an error that nobody foresaw is not swallowed", async () => {
  const fault = new TypeError("a fault in the program");
  await assert.rejects(
    outcome(() => {
      throw fault;
    }),
    fault,
  );
});

/** What the logs of one run look like on standard error. */
async function logged(args: string[]): Promise<string[]> {
  const lines: string[] = [];
  const print = console.error;
  console.error = (line: string) => lines.push(line);
  try {
    await outcome(() => {
      const log = loggerOf("part");
      log.info("listening on {address}", { address: "[::1]:22" });
      log.debug("not shown");
    }, args);
  } finally {
    console.error = print;
  }
  return lines;
}

Deno.test("logs are text, from the level that was asked for", async () => {
  const [line, ...more] = await logged(["--log-level", "info"]);
  assert.match(line, /\bINF?O?\b.*part.*listening on .*\[::1\]:22/i);
  assert.deepEqual(more, []);
});

Deno.test("logs can be JSON, one object a line", async () => {
  const [line] = await logged(["--log-level", "info", "--json-log"]);
  const record = JSON.parse(line);
  assert.equal(record.logger, "shimkit.part");
  assert.equal(record.properties.address, "[::1]:22");
});

Deno.test("by default only warnings and worse are logged", async () => {
  assert.deepEqual(await logged([]), []);
});
