/** A legacy host with its shim and a native host: the stage of the tests with native peers. */
import assert from "node:assert/strict";
import { needs, type RequirementName } from "../../../core/net/testing/requirements.ts";
import { IpAddress } from "../../../core/sctp/base/address.ts";
import type { ShimStatus } from "../../../core/shim/status.ts";
import { compileProgram, type Program } from "../lab/c_programs.ts";
import { HostShim, type ShimMode } from "../lab/host_shim.ts";
import { Lab } from "../lab/lab.ts";
import {
  type Carrier,
  type NativeHost,
  type NativeProcess,
  type NativeStack,
  UDP_PORT,
} from "../lab/native_hosts.ts";
import type { LabProcess } from "../lab/process.ts";

const REQUIREMENTS = ["linux", "root", "netns", "nft", "iptables", "ffi", "ipv6"] as const;
/** What a stack needs beside them. */
const STACK_REQUIREMENTS = {
  "usrsctp": ["usrsctp-dev"],
  "kernel SCTP": ["gcc", "tun", "uml", "lksctp", "socat"],
} as const satisfies Record<NativeStack["name"], readonly RequirementName[]>;
const CARRIERS = {
  "raw IP": ["--raw"],
  "UDP": ["--udp", String(UDP_PORT)],
} as const satisfies Record<Carrier, readonly string[]>;

/** A lab and the native host in it, for all tests of a stack. */
interface Stage {
  readonly lab: Lab;
  readonly host: NativeHost;
}

const stages = new Map<NativeStack, Promise<Stage>>();

async function openStage(stack: NativeStack): Promise<Stage> {
  const lab = Lab.open();
  try {
    // Apache gives up root, and must reach its files all the same.
    await Deno.chmod(lab.folder, 0o755);
    return { lab, host: await stack.open(lab) };
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

Deno.test.afterAll(async () => {
  for (const stage of stages.values()) await (await stage).lab[Symbol.asyncDispose]();
});

/** A legacy host with its shim, and a native host: what a test works with. */
export class Scene {
  readonly lab: Lab;
  readonly host: NativeHost;
  readonly #carrier: Carrier;
  #shim: HostShim | undefined;
  #daemon: LabProcess | undefined;

  constructor({ lab, host }: Stage, carrier: Carrier) {
    this.lab = lab;
    this.host = host;
    this.#carrier = carrier;
  }

  /** A host's addresses of a family. */
  addresses(side: "legacy" | "native", family: 4 | 6): readonly string[] {
    const ends = this.host.wires.map(({ a, b }) => side === "legacy" ? a : b);
    return ends.map(({ v4, v6 }) => IpAddress.parse(family === 4 ? v4 : v6).text);
  }

  /** The legacy host's shim, with one rule. */
  async startShim(mode: ShimMode, rule: string): Promise<void> {
    this.#shim = await HostShim.prepare(this.lab, this.host.other, "legacy");
    await this.#shim.rule(rule);
    this.#daemon = await this.#shim.start(mode, ...CARRIERS[this.#carrier]);
  }

  /** Starts a program of the native host. */
  startNative(program: Program, ...words: readonly string[]): Promise<NativeProcess> {
    return this.host.start(this.#carrier, program, words);
  }

  /** Starts an application of the legacy host that does what it is told. */
  async startLegacy(...words: readonly string[]): Promise<LabProcess> {
    const file = this.lab.path(await compileProgram(this.lab, "steps", "TCP"));
    return this.host.other.spawn([file, ...words]);
  }

  /** What the shim tells of itself. */
  status(): Promise<ShimStatus> {
    return this.#shim!.status();
  }

  /** Checks that the shim has had `count` connections, all carried to or from native peers. */
  async assertCarried(count: number): Promise<void> {
    const { counters, connections, ended } = await this.status();
    assert.deepEqual([counters.carried, counters.direct, counters.fellBack], [count, 0, 0]);
    const peers = [...connections, ...ended].map(({ association }) => association?.peerIsShim);
    assert.deepEqual(peers, Array(count).fill(false));
  }

  async end(): Promise<void> {
    this.#daemon?.signal("SIGTERM");
    await this.#daemon?.finished();
  }
}

/** A test with a native peer. Nothing of it is left for the next one with that stack. */
export function nativeTest(
  stack: NativeStack,
  carrier: Carrier,
  name: string,
  body: (scene: Scene) => Promise<void>,
  more: readonly RequirementName[] = [],
): void {
  const test = async () => {
    if (!stages.has(stack)) stages.set(stack, openStage(stack));
    const stage = await stages.get(stack)!;
    const survivors = stage.lab.processes;
    const scene = new Scene(stage, carrier);
    try {
      await body(scene);
    } finally {
      await scene.end();
      await stage.host.reset();
      await stage.lab.killAllBut(survivors);
    }
  };
  // The native host outlives the test that opens it.
  const options = { sanitizeOps: false, sanitizeResources: false };
  const requirements = [...REQUIREMENTS, ...STACK_REQUIREMENTS[stack.name], ...more];
  Deno.test(needs(requirements, `${stack.name} over ${carrier}: ${name}`, test, options));
}
