/** How `shimkit shimd` serves the TCP servers of its host. */
import type { Logger } from "@logtape/logtape";
import { Capability, hasCapability } from "../core/net/host.ts";
import { removeRemains } from "../core/net/remains.ts";
import { TransparentRouting } from "../core/net/transparent.ts";
import type { DatagramConfig, ServeListenersConfig } from "../core/shim/protocol.ts";
import { CliError } from "./command.ts";
import type { ShimdOptions } from "./shimd_options.ts";

/** Carrying the datagrams of UDP applications, where the options and the rights of the process allow it. */
export function datagramConfig(
  { connections, interception }: ShimdOptions,
): DatagramConfig | undefined {
  const { intercept, instance = 0 } = interception;
  if (!intercept && !connections.serveListeners) return undefined;
  return hasCapability(Capability.netAdmin)
    ? { instance, remote: intercept, local: true }
    : undefined;
}

/** What the data plane is told, and what is to be taken back at the end. */
export interface ServingSetup extends Disposable {
  readonly config: ServeListenersConfig | undefined;
}

/**
 * Puts in place what the options need for servers to see their clients' addresses; without root
 * they see connections of this host instead. Throws {@link CliError}.
 */
export function setUpServing(
  { connections, interception }: ShimdOptions,
  log: Pick<Logger, "info" | "warning">,
): ServingSetup {
  if (!connections.serveListeners && !interception.intercept) {
    return { config: undefined, [Symbol.dispose]: () => {} };
  }
  if (!hasCapability(Capability.netAdmin)) {
    log.warning(
      "without root the servers of this host see their clients under an address of this host",
    );
    return { config: { transparent: undefined }, [Symbol.dispose]: () => {} };
  }
  for (const what of removeRemains()) log.info(`removed what a daemon that died had left: ${what}`);
  const routing = new TransparentRouting(interception.instance ?? 0);
  try {
    routing.install();
  } catch (error) {
    throw error instanceof Error ? new CliError(error.message) : error;
  }
  return {
    config: { transparent: routing.instance },
    [Symbol.dispose]: () => routing.remove(),
  };
}
