/**
 * The data plane's thread. It gets one {@link StartMessage} and then blocks: commands come by the
 * ring and the eventfd, reports leave by `postMessage`, which does not need an event loop here.
 */
import { openDataPlane } from "./open_data_plane.ts";
import type { Report, StartMessage } from "./protocol.ts";

const thread = self as unknown as {
  onmessage: ((event: MessageEvent<StartMessage>) => void) | null;
  postMessage(report: Report): void;
};

thread.onmessage = ({ data }) => {
  try {
    openDataPlane(data, (report) => thread.postMessage(report)).run();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    thread.postMessage({ kind: "failed", message });
  }
};
