/** A daemon's rules and settings: read at the start, changed by its control socket. */
import { Fault } from "../core/rules/fault.ts";
import type { Configuration } from "../core/rules/configuration.ts";
import { ConfigurationFile } from "../core/rules/persist.ts";
import { LOG_LEVELS, type Settings } from "../core/rules/settings.ts";
import { daemonHandler } from "../core/shim/control/daemon_handler.ts";
import { LiveConfiguration } from "../core/shim/control/live_configuration.ts";
import { ControlServer } from "../core/shim/control/server.ts";
import type { ShimDaemon } from "../core/shim/shim_daemon.ts";
import { CliError } from "./command.ts";
import { defaultControlPath } from "./control.ts";
import { loggerOf, setDefaultLogLevel, setLogLevel } from "./logging.ts";
import { defaultRulesFile } from "./rules_store.ts";
import type { ShimdOptions } from "./shimd_options.ts";

/** What is on disk. */
export interface StoredRules {
  readonly file: ConfigurationFile;
  readonly configuration: Configuration;
}

/** Reads the rules, and logs from now on as they say. Rejects with {@link CliError}. */
export async function loadRules({ control }: ShimdOptions): Promise<StoredRules> {
  const file = new ConfigurationFile(control.file ?? defaultRulesFile());
  const configuration = await file.load().catch((error: Error) => {
    throw new CliError(`cannot read ${file.path}: ${error.message}`);
  });
  if (configuration instanceof Fault) throw new CliError(configuration.message);
  await setDefaultLogLevel(thresholdOf(configuration.settings));
  return { file, configuration };
}

/**
 * Opens the control socket that the options ask for. One that is not named and not to be had is
 * done without, for many daemons may run on a host; a named one is insisted on.
 */
export async function openControl(
  { control }: ShimdOptions,
  daemon: ShimDaemon,
  { file, configuration }: StoredRules,
): Promise<ControlServer | undefined> {
  const path = control.path ?? defaultControlPath();
  if (control.none || path === undefined) return undefined;
  let level = configuration.settings.logLevel;
  const live = new LiveConfiguration(file, daemon, configuration, (settings) => {
    if (settings.logLevel !== level) void setLogLevel(thresholdOf(settings));
    level = settings.logLevel;
  });
  try {
    return await ControlServer.start(path, daemonHandler(daemon, live));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (control.path !== undefined) throw new CliError(`no control socket: ${error.message}`);
    loggerOf("shimd").warning(`no control socket: ${error.message}; --control PATH names another`);
    return undefined;
  }
}

function thresholdOf({ logLevel }: Readonly<Settings>) {
  return LOG_LEVELS[logLevel];
}
