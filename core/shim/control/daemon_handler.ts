/** What a daemon does for the clients of its control socket. */
import type { Fault } from "../../rules/fault.ts";
import type { ShimDaemon } from "../shim_daemon.ts";
import type { LiveConfiguration } from "./live_configuration.ts";
import { ControlFault, type ControlRequest } from "./protocol.ts";
import type { ControlHandler } from "./server.ts";

/** The parts of a {@link ShimDaemon} that are needed here. */
export type ControlledDaemon = Pick<
  ShimDaemon,
  "status" | "configuration" | "availability" | "flushAvailability" | "applications" | "stop"
>;

/** Answers requests from a daemon and its rules. */
export function daemonHandler(
  daemon: ControlledDaemon,
  rules: Pick<LiveConfiguration, "change" | "reload">,
): ControlHandler {
  return (request) => handle(request, daemon, rules);
}

async function handle(
  request: ControlRequest,
  daemon: ControlledDaemon,
  rules: Pick<LiveConfiguration, "change" | "reload">,
): Promise<unknown> {
  switch (request.kind) {
    case "status":
      return await daemon.status();
    case "configuration":
      return await daemon.configuration();
    case "availability":
      return await (request.flush ? daemon.flushAvailability() : daemon.availability());
    case "change":
      return faultOf(await rules.change(request.change)) ?? await daemon.configuration();
    case "reload":
      return faultOf(await rules.reload()) ?? await daemon.configuration();
    case "applications":
      return { path: daemon.applications() };
    case "stop":
      void daemon.stop(request.drain);
      return {};
    default:
      return request satisfies never;
  }
}

function faultOf(fault: Fault | undefined): ControlFault | undefined {
  return fault && new ControlFault(fault.code, fault.message);
}
