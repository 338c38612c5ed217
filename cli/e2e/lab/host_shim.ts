/** The shim of a host: its rules and settings, the daemon, and what that tells of itself. */
import { stringify } from "smol-toml";
import type { AvailabilityEntry } from "../../../core/shim/policy/availability_cache.ts";
import type { ShimStatus } from "../../../core/shim/status.ts";
import { PATIENCE } from "./intercepted.ts";
import type { Lab } from "./lab.ts";
import type { Namespace } from "./namespaces.ts";
import type { LabProcess } from "./process.ts";
import { FAST_FAILOVER, parameterWords, shimkitCommand } from "./shimkit.ts";

/** Whether the shim takes connections from its host's applications, or only to its servers. */
export type ShimMode = "--intercept" | "--serve-listeners";

/** A host's shim; it runs once {@link start} was called. */
export class HostShim {
  readonly #host: Namespace;
  /** Protocol parameters that are not the defaults. Before the start. */
  parameters: Readonly<Record<string, number>> = FAST_FAILOVER;

  private constructor(
    host: Namespace,
    /** Of its rules and settings. */
    readonly file: string,
    /** Path of its control socket. */
    readonly control: string,
  ) {
    this.#host = host;
  }

  /** Writes its settings. The name is one of the lab's files. */
  static async prepare(lab: Lab, host: Namespace, name: string): Promise<HostShim> {
    const shim = new HostShim(host, lab.path(`${name}.toml`), lab.path(`${name}.control`));
    const net = { inet: { sctp: { shim: { head_start: PATIENCE } } } };
    await Deno.writeTextFile(shim.file, stringify({ net }));
    return shim;
  }

  /** Adds a rule, as it is typed after `shimrules -A`. Before the start. */
  async rule(rule: string): Promise<void> {
    const words = ["shimrules", "-A", ...rule.split(" "), "--file", this.file];
    await this.#host.run(...shimkitCommand(words));
  }

  /** Changes a setting: "NAME=VALUE". Before the start. */
  async set(setting: string): Promise<void> {
    await this.#host.run(...shimkitCommand(["sysctl", setting, "--file", this.file]));
  }

  /** Starts the daemon, and waits until it does what it is asked to. */
  async start(mode: ShimMode, ...more: readonly string[]): Promise<LabProcess> {
    return await this.#start([], mode, more);
  }

  /** As {@link start}, with so many descriptors for the daemon. */
  async startWithin(descriptors: number, mode: ShimMode): Promise<LabProcess> {
    return await this.#start(["prlimit", `--nofile=${descriptors}:${descriptors}`], mode, []);
  }

  async #start(
    prefix: readonly string[],
    mode: ShimMode,
    more: readonly string[],
  ): Promise<LabProcess> {
    const places = ["--file", this.file, "--control", this.control];
    const words = ["shimd", mode, ...places, ...parameterWords(this.parameters), ...more];
    const daemon = this.#host.spawn([...prefix, ...shimkitCommand(words)]);
    await daemon.line(mode === "--intercept" ? /intercepting IPv6/ : /serving this host's TCP/);
    return daemon;
  }

  /** What the daemon tells of itself. */
  async status(): Promise<ShimStatus> {
    return JSON.parse(await this.ask("status", "--json"));
  }

  /** Runs `shimkit ARGS` against the daemon, and gives what it prints. */
  ask(...args: readonly string[]): Promise<string> {
    return this.#host.run(...shimkitCommand([...args, "--control", this.control]));
  }

  /** What the daemon knows about servers. */
  async availability(): Promise<readonly AvailabilityEntry[]> {
    const words = ["cache", "--json", "--control", this.control];
    return JSON.parse(await this.#host.run(...shimkitCommand(words)));
  }
}
