/** Which ways of bringing connections to the shim this host has. */
import { Capability, hasCapability } from "./host.ts";
import type { FrontKind } from "./interception_plan.ts";
import { Iptables } from "./iptables.ts";
import { chainName } from "./iptables_rules.ts";
import { nftProbe } from "./nft_rules.ts";
import { deleteOwned, formatOwner, tableName, thisProcess } from "./rules_owner.ts";
import { tryTool } from "./system_tool.ts";

/** What {@link detectFronts} found. */
export interface Fronts {
  /** The best one; "none" leaves explicit forwards. */
  readonly best: FrontKind | "none";
  /** Families for which the best one works. */
  readonly families: readonly (4 | 6)[];
  /** Why a better one does not, or a family is missing: one line each. */
  readonly lacks: readonly string[];
}

/**
 * Finds out by trying, with rules that no packet passes and that are gone afterwards: whether a
 * kernel has a target is known only when it is asked for.
 */
export function detectFronts(): Fronts {
  if (!hasCapability(Capability.netAdmin)) {
    const lack = "interception needs root (CAP_NET_ADMIN)";
    return { best: "none", families: [], lacks: [lack] };
  }
  const nft = probeNft();
  if (nft) return { best: "none", families: [], lacks: [`nft: ${nft}`] };
  const complaints = ([4, 6] as const).map((family) => ({ family, lack: probeNfqueue(family) }));
  const families = complaints.filter(({ lack }) => !lack).map(({ family }) => family);
  const lacks = complaints.filter(({ lack }) => lack)
    .map(({ family, lack }) => `NFQUEUE for IPv${family}: ${lack}`);
  return families.length > 0
    ? { best: "nfqueue", families, lacks }
    : { best: "redirect", families: [4, 6], lacks };
}

const PROBE = `probe${Deno.pid}`;

/** What nft says against carrying and refusing, if it does. */
function probeNft(): string | undefined {
  const script = nftProbe(tableName(PROBE), formatOwner(thisProcess()));
  const { success, complaint } = tryTool("nft", ["-f", "-"], script);
  if (success) deleteOwned(PROBE);
  return success ? undefined : firstLine(complaint);
}

/** What iptables says against holding packets, if it does. */
function probeNfqueue(family: 4 | 6): string | undefined {
  const iptables = new Iptables(family);
  const existed = iptables.tableExists();
  const chain = chainName(PROBE);
  try {
    iptables.install(chain, ["-j NFQUEUE --queue-num 0 --queue-bypass"], { linked: false });
    iptables.uninstall(chain);
    return undefined;
  } catch (error) {
    return firstLine((error as Error).message);
  } finally {
    if (!existed) iptables.dropEmptyTable();
  }
}

function firstLine(text: string): string {
  return text.split("\n")[0];
}
