/** Our host and usrsctp's, joined by two wires, and a file that passes between them. */
import assert from "node:assert/strict";
import { needs } from "../../../core/net/testing/requirements.ts";
import { Capture } from "./capture.ts";
import { Lab } from "./lab.ts";
import { type Namespace, twoPaths, type Wire } from "./namespaces.ts";
import type { LabProcess } from "./process.ts";
import { type SctpCommand, startSctp } from "./shimkit.ts";
import { PeerExit, type PeerOptions, UsrsctpPeer } from "./usrsctp.ts";

/** SCTP port of the listening side. */
export const PORT = 7777;

/** How packets travel, as either side is told. */
export const CARRIERS = {
  "raw IP": { ours: undefined, theirs: undefined },
  "UDP": { ours: { local: 9899, remote: 9900 }, theirs: { local: 9900, remote: 9899 } },
} as const;

export type Carrier = keyof typeof CARRIERS;
export type Family = "v4" | "v6";

/** What every test here starts from: our host and usrsctp's, two wires, a running capture. */
export interface Stage {
  readonly lab: Lab;
  readonly ours: Namespace;
  readonly theirs: Namespace;
  readonly wires: readonly [Wire, Wire];
  readonly peer: UsrsctpPeer;
  readonly capture: Capture;
}

export function peerTest(name: string, body: (stage: Stage) => Promise<void>): void {
  const requirements = [
    "linux",
    "root",
    "netns",
    "nft",
    "raw-sockets",
    "ffi",
    "usrsctp-dev",
    "usrsctp",
    "tcpdump",
    "tshark",
  ] as const;
  Deno.test(needs(requirements, `usrsctp: ${name}`, async () => {
    await using lab = Lab.open();
    const { client, server, wires } = await twoPaths(lab);
    const [peer, capture] = await Promise.all([
      UsrsctpPeer.compile(lab),
      Capture.start(client, lab.path("capture.pcap")),
    ]);
    await body({ lab, ours: client, theirs: server, wires, peer, capture });
  }));
}

export function ourAddresses(stage: Stage, family: Family = "v4"): readonly string[] {
  return stage.wires.map((wire) => wire.a[family]);
}

export function theirAddresses(stage: Stage, family: Family = "v4"): readonly string[] {
  return stage.wires.map((wire) => wire.b[family]);
}

/** A transfer of one file, and who does what in it. */
export interface Transfer {
  readonly carrier: Carrier;
  readonly family: Family;
  readonly sender: "ours" | "theirs";
  readonly initiator: "ours" | "theirs";
  readonly parameters?: SctpCommand["parameters"];
  readonly sysctls?: PeerOptions["sysctls"];
  /** Addresses that our side names; by default those of both wires, none for all that the host has. */
  readonly ourLocal?: readonly string[];
  /** What else our command and usrsctp's peer are told. */
  readonly ourWords?: readonly string[];
  readonly theirOptions?: Partial<PeerOptions>;
}

/** Where we connect and only receive, the end of our empty input must not end what is still to come. */
function ourRole(weConnect: boolean, weSend: boolean): readonly string[] {
  if (!weConnect) return ["--once"];
  return weSend ? [] : ["--linger", "10s"];
}

/** Starts both sides, the listening one first. Gives our process and theirs. */
export async function startTransfer(
  stage: Stage,
  transfer: Transfer,
): Promise<{ ours: LabProcess; theirs: LabProcess }> {
  const { lab, peer } = stage;
  const { carrier, family, sender, initiator, parameters, sysctls, ourWords = [] } = transfer;
  const { ourLocal = ourAddresses(stage, family) } = transfer;
  const [input, output] = [lab.path("input"), lab.path("output")];
  const weSend = sender === "ours";
  const startOurs = () =>
    startSctp(stage.ours, {
      port: PORT,
      peer: initiator === "ours" ? theirAddresses(stage, family).slice(0, 1) : undefined,
      local: ourLocal.length > 0 ? ourLocal : undefined,
      udp: CARRIERS[carrier].ours,
      parameters,
      more: ["--json", ...ourRole(initiator === "ours", weSend), ...ourWords],
    }, weSend ? { input } : { output });
  const startTheirs = () =>
    peer.start(stage.theirs, {
      port: PORT,
      peer: initiator === "theirs" ? ourAddresses(stage, family).slice(0, 1) : undefined,
      local: theirAddresses(stage, family),
      udp: CARRIERS[carrier].theirs,
      sysctls,
      ...transfer.theirOptions,
      ...(weSend ? { receive: output } : { send: input }),
    });
  if (initiator === "ours") {
    const theirs = await startTheirs();
    return { ours: await startOurs(), theirs };
  }
  const ours = await startOurs();
  return { ours, theirs: await startTheirs() };
}

/** Waits for both sides to end in peace; if not, tells what either said. */
export async function bothFinish(ours: LabProcess, theirs: LabProcess): Promise<void> {
  const codes = [(await ours.finished()).code, (await theirs.finished()).code];
  const told = [...ours.lines, "--- usrsctp:", ...theirs.lines].join("\n");
  assert.deepEqual(codes, [0, PeerExit.shutdown], told);
}
