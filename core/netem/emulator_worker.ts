/**
 * The emulator's thread. It gets one {@link StartMessage} and then blocks: commands come by the ring
 * and the eventfd, reports leave by `postMessage`, which does not need an event loop here.
 */
import { CommandRing } from "../net/command_ring.ts";
import { Wakeup } from "../net/epoll.ts";
import { Emulator } from "./emulator.ts";
import type { Report, StartMessage } from "./protocol.ts";

const thread = self as unknown as {
  onmessage: ((event: MessageEvent<StartMessage>) => void) | null;
  postMessage(report: Report): void;
};

thread.onmessage = ({ data: { plan, commands, wakeup } }) => {
  const report = (one: Report) => thread.postMessage(one);
  try {
    const parts = { plan, commands: new CommandRing(commands), wakeup: new Wakeup(wakeup), report };
    const emulator = new Emulator(parts);
    report({ kind: "ready" });
    emulator.run();
  } catch (error) {
    report({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  }
};
