/** `shimkit status`: what a running daemon is doing. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { withDefault } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import type { ControlClient } from "../core/shim/control/client.ts";
import type { ShimStatus } from "../core/shim/status.ts";
import { defineCommand } from "./command.ts";
import { ask, controlOption, defaultControlPath, requireControl } from "./control.ts";
import { ExitCode } from "./exit_codes.ts";
import type { CommandIo } from "./io.ts";
import { duration, jsonFlag } from "./options.ts";
import { listenerLines, statusLines } from "./shimd_status.ts";

/** Moves the cursor to the top left corner and clears the terminal from there. */
const CLEAR = "\x1b[H\x1b[J";

export default defineCommand({
  description:
    "Shows what the running shimd listens on and which connections it has: each one's state by the " +
    "thesis's name with the reason, what carries it, its bytes, and every path of its association.",
  examples: [
    { args: "status", does: "once" },
    { args: "status --watch", does: "again and again, until SIGINT" },
    { args: "status --json", does: "the same for a program" },
  ],
  parser: object({
    watch: option("-w", "--watch", { description: message`Shows it again and again.` }),
    interval: withDefault(
      option("--interval", duration(), { description: message`How often --watch shows it.` }),
      1000,
    ),
    json: jsonFlag,
    control: controlOption,
  }),
  async run({ watch, interval, json, control }, io) {
    using client = await requireControl(control ?? defaultControlPath());
    const show = json ? showJson : watch && io.interactive ? showAfresh : showText;
    if (watch) await watchStatus(client, interval, show, io);
    else show(await statusOf(client), io);
    return ExitCode.ok;
  },
});

type Show = (status: ShimStatus, io: CommandIo) => void;

const showJson: Show = (status, io) => io.print(JSON.stringify(status));

const showText: Show = (status, io) => {
  for (const line of [...statusLines(status), ...listenerLines(status)]) io.print(line);
};

const showAfresh: Show = (status, io) => {
  io.print(CLEAR + [...statusLines(status), ...listenerLines(status)].join("\n"));
};

async function statusOf(client: ControlClient): Promise<ShimStatus> {
  return await ask(client, "status") as ShimStatus;
}

/** Shows it until the user interrupts. Rejects when the daemon ends. */
async function watchStatus(
  client: ControlClient,
  interval: number,
  show: Show,
  io: CommandIo,
): Promise<void> {
  const interruption = io.interruption();
  while (!interruption.aborted) {
    show(await statusOf(client), io);
    await pause(interval, interruption);
  }
}

/** Waits, but not beyond the interruption. */
function pause(milliseconds: number, interruption: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      interruption.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    interruption.addEventListener("abort", done);
  });
}
