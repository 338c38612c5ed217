/** Captures of a lab's packets, judged by tshark: an independent decoder. */
import assert from "node:assert/strict";
import type { Namespace } from "./namespaces.ts";
import { delay, type LabProcess, run } from "./process.ts";

/** UDP ports on which the tests run SCTP (RFC 6951): tshark must be told. */
export const UDP_PORTS: readonly number[] = [9899, 9900];

const UDP_DECODING = UDP_PORTS.flatMap((port) => ["-d", `udp.port==${port},sctp`]);

/** SCTP chunk types that the tests ask for. */
export const ChunkType = {
  data: 0,
  init: 1,
  initAck: 2,
  sack: 3,
  heartbeat: 4,
  heartbeatAck: 5,
  abort: 6,
  shutdown: 7,
  shutdownAck: 8,
  error: 9,
  cookieEcho: 10,
  cookieAck: 11,
  ecne: 12,
  cwr: 13,
  shutdownComplete: 14,
  auth: 15,
  nrSack: 16,
  iData: 64,
  asconfAck: 128,
  reConfig: 130,
  pad: 132,
  forwardTsn: 192,
  asconf: 193,
  iForwardTsn: 194,
} as const;

/** The packets from or to an SCTP port. */
export interface PortReport {
  readonly packets: number;
  /** Those of them over UDP. */
  readonly encapsulated: number;
  /** Chunks, and parameters in chunks, by destination address and type, as `destination type`. */
  readonly chunksTo: ReadonlyMap<string, number>;
  readonly parametersTo: ReadonlyMap<string, number>;
}

/** What tshark made of a capture. */
export interface CaptureReport {
  /** SCTP packets, over IP or UDP. */
  readonly packets: number;
  /** Chunks by type. */
  readonly chunks: ReadonlyMap<number, number>;
  /**
   * Chunks by destination address and type, as `destination type`. The destination tells the wire;
   * the source does not, because usrsctp may send from an address of another interface.
   */
  readonly chunksTo: ReadonlyMap<string, number>;
  /** What was in the packets from or to each SCTP port. */
  readonly ports: ReadonlyMap<number, PortReport>;
  /** Packets that tshark could not decode, or whose CRC32c it found wrong or could not check. */
  readonly faults: readonly string[];
}

const FIELDS = [
  "frame.number",
  "ip.dst",
  "ipv6.dst",
  "sctp.checksum.status",
  "sctp.chunk_type",
  "sctp.parameter_type",
  "sctp.srcport",
  "sctp.dstport",
  "udp.dstport",
  "_ws.malformed",
  "_ws.expert.group",
  "_ws.expert.severity",
  "_ws.expert.message",
] as const;
const CHECKSUM_GOOD = "1";
const EXPERT_ERROR = 0x800000;
const EXPERT_MALFORMED = 0x7000000;

/** A running capture of all interfaces of a namespace. */
export class Capture {
  readonly path: string;
  readonly #tcpdump: LabProcess;

  private constructor(path: string, tcpdump: LabProcess) {
    this.path = path;
    this.#tcpdump = tcpdump;
  }

  static async start(namespace: Namespace, path: string): Promise<Capture> {
    // Frames are cut at 2,048 bytes, more than the wires carry: small slots make the ring large.
    const ring = ["--immediate-mode", "-s", "2048", "-B", "65536"];
    const tcpdump = namespace.spawn(
      ["tcpdump", "-n", "-Z", "root", "-i", "any", ...ring, "-w", path, "(ip or ip6) and not tcp"],
    );
    await tcpdump.line(/listening on/);
    return new Capture(path, tcpdump);
  }

  /** Ends the capture and lets tshark read it. */
  async stop(): Promise<CaptureReport> {
    await delay(200);
    this.#tcpdump.signal("SIGINT");
    await this.#tcpdump.succeeded();
    return await readCapture(this.path);
  }

  /** As {@link stop}, and asserts that there are packets and that each is whole and has its right checksum. */
  async assertClean(): Promise<CaptureReport> {
    const report = await this.stop();
    assert.notEqual(report.packets, 0, "the capture shows no SCTP packet");
    assert.deepEqual(report.faults.slice(0, 10), [], `${report.faults.length} faulty packets`);
    return report;
  }
}

/**
 * The values that tshark found in packets to `destination`, in the order of the packets: for fields that
 * only some chunks have, such as `sctp.data_sid`.
 */
export async function valuesOf(
  { path }: Capture,
  destination: string,
  field: string,
): Promise<readonly string[]> {
  const fields = ["-T", "fields", "-e", field];
  const filter = ["-Y", `${field} && (ip.dst == ${destination})`];
  const text = await run(["tshark", "-n", "-r", path, ...UDP_DECODING, ...filter, ...fields]);
  return text.split(/[\n,]/).filter((one) => one !== "");
}

/** Lets tshark decode a capture file, UDP encapsulation included, and counts what it found. */
export async function readCapture(path: string): Promise<CaptureReport> {
  const settings = [
    "sctp.checksum:crc-32c",
    "sctp.ulp_dissection:FALSE",
    "sctp.reassembly:FALSE",
    "sctp.tsn_analysis:FALSE",
  ].flatMap((setting) => ["-o", setting]);
  const fields = FIELDS.flatMap((field) => ["-e", field]);
  // Errors of ICMP quote only the head of a packet.
  const filter = ["-Y", "(sctp || udp) && !icmp && !icmpv6", "-T", "fields", "-E", "separator=/t"];
  const text = await run([
    "tshark",
    "-n",
    "-r",
    path,
    ...settings,
    ...UDP_DECODING,
    ...filter,
    ...fields,
  ]);
  return summarize(text.split("\n").filter((line) => line !== ""));
}

/** Counters that grow while packets are read. */
class PortCounts implements PortReport {
  packets = 0;
  encapsulated = 0;
  readonly chunksTo = new Map<string, number>();
  readonly parametersTo = new Map<string, number>();
}

function summarize(lines: readonly string[]): CaptureReport {
  const chunks = new Map<number, number>();
  const chunksTo = new Map<string, number>();
  const ports = new Map<number, PortCounts>();
  const faults: string[] = [];
  for (const line of lines) {
    const [frame, v4, v6, status, types, parameters, source, target, udp, ...verdict] = line.split(
      "\t",
    );
    const destination = v4 || v6;
    for (const type of values(types)) {
      add(chunks, type);
      add(chunksTo, `${destination} ${type}`);
    }
    for (const port of new Set([...values(source), ...values(target)])) {
      const counts = ports.get(port) ?? new PortCounts();
      ports.set(port, counts);
      counts.packets++;
      if (udp !== "") counts.encapsulated++;
      for (const type of values(types)) add(counts.chunksTo, `${destination} ${type}`);
      for (const type of values(parameters)) add(counts.parametersTo, `${destination} ${type}`);
    }
    const [malformed, groups, severities, messages] = verdict;
    const fault = faultOf(status, malformed, groups, severities);
    if (fault) faults.push(`frame ${frame} to ${destination}: ${fault} ${messages}`.trimEnd());
  }
  return { packets: lines.length, chunks, chunksTo, ports, faults };
}

function faultOf(status: string, malformed: string, groups: string, severities: string): string {
  if (malformed !== "" || values(groups).includes(EXPERT_MALFORMED)) return "malformed";
  if (values(severities).includes(EXPERT_ERROR)) return "in error";
  if (status === "") return "not decoded as SCTP";
  return status === CHECKSUM_GOOD ? "" : "bad or unchecked checksum";
}

function values(field: string): readonly number[] {
  return field.split(",").filter((one) => one !== "").map(Number);
}

function add<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** How often chunks of `type` occur. */
export function count(report: CaptureReport, type: number): number {
  return report.chunks.get(type) ?? 0;
}

/** How often chunks of `type` were sent to `destination`. */
export function countTo(report: CaptureReport, destination: string, type: number): number {
  return report.chunksTo.get(`${destination} ${type}`) ?? 0;
}
