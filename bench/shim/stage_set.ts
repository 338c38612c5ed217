/** The stage for the shim's measurements, made when it is first asked for. */
import { Children } from "../../core/net/child.ts";
import { Capability, findProgram, hasCapability } from "../../core/net/host.ts";
import { detectFronts } from "../../core/net/interception_fronts.ts";
import { Stage } from "./stage.ts";

/** Programs that the stage is made of. */
const PROGRAMS = ["unshare", "nsenter", "ip", "sysctl", "ethtool", "socat", "gcc"];

/** How Debian calls what brings them. */
const PACKAGES = "util-linux iproute2 procps ethtool socat gcc libc6-dev iptables nftables";

export class StageSet {
  readonly #children = new Children();
  readonly #settings: string;
  #folder: string | undefined;
  #stage: Promise<Stage> | undefined;

  /** @param settings of the client's shimd, as lines of their file. */
  constructor(settings = "") {
    this.#settings = settings;
  }

  /** The stage, or in words why there is none. */
  async get(): Promise<Stage | string> {
    const missing = whatIsMissing();
    if (missing === undefined) return await (this.#stage ??= this.#build());
    return `Not measured: ${missing}. It needs root on Linux; on Debian: apt-get install ${PACKAGES}`;
  }

  /** Ends what was started, and removes what was built. */
  async close(): Promise<void> {
    await this.#children[Symbol.asyncDispose]();
    if (this.#folder !== undefined) await Deno.remove(this.#folder, { recursive: true });
  }

  async #build(): Promise<Stage> {
    this.#folder = await Deno.makeTempDir({ prefix: "shimkit-bench-" });
    return await Stage.open(this.#children, this.#folder, this.#settings);
  }
}

function whatIsMissing(): string | undefined {
  if (Deno.build.os !== "linux") return `${Deno.build.os} is not Linux`;
  const capable = hasCapability(Capability.sysAdmin) && hasCapability(Capability.netAdmin);
  if (!capable) return "two hosts in network namespaces take root";
  const absent = PROGRAMS.filter((name) => findProgram(name) === undefined);
  if (absent.length > 0) return `${absent.join(", ")} not installed`;
  const { best, lacks } = detectFronts();
  return best === "nfqueue" ? undefined : lacks.join("; ");
}
