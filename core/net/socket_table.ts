/** The sockets of this thread's network namespace in the kernel's lists (proc_net(5), files raw and udp). */
import { IpAddress } from "../sctp/base/address.ts";
import { readIfThere } from "./host.ts";
import { ownSocketInodes, processWithSocket } from "./process_sockets.ts";

/** A bound socket. */
export interface ListedSocket {
  readonly address: IpAddress;
  /** Raw IP: the number of the protocol. */
  readonly port: number;
  readonly inode: number;
}

/** Sockets of both families; none where the kernel does not list them. */
export function listSockets(kind: "raw" | "udp"): ListedSocket[] {
  return [kind, `${kind}6`].flatMap((table) => {
    const [, ...lines] = readIfThere(`/proc/thread-self/net/${table}`).split("\n");
    return lines.filter((line) => line !== "").map(parseLine);
  });
}

/**
 * The process that has a socket which one at these addresses, or anywhere if there are none, would
 * share packets with: its words for people, or `undefined` if there is no such socket. Sockets of this
 * process do not count.
 */
export function otherHolder(
  kind: "raw" | "udp",
  port: number,
  addresses: readonly IpAddress[],
): string | undefined {
  const wanted = addresses.length > 0 ? addresses : undefined;
  const own = ownSocketInodes();
  const other = listSockets(kind).find((socket) =>
    socket.port === port && !own.has(socket.inode) &&
    (wanted?.some((address) => overlap(address, socket.address)) ?? true)
  );
  return other && (processWithSocket(other.inode) ?? "another process");
}

function overlap(one: IpAddress, other: IpAddress): boolean {
  if (one.family !== other.family) return false;
  return one.equals(other) || one.isWildcard || other.isWildcard;
}

/** `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode ...`. */
function parseLine(line: string): ListedSocket {
  const fields = line.trim().split(/\s+/);
  const [address, port] = fields[1].split(":");
  return { address: parseAddress(address), port: parseInt(port, 16), inode: Number(fields[9]) };
}

/** 32-bit words in the machine's order, in hexadecimal. */
function parseAddress(text: string): IpAddress {
  const words = Uint32Array.from(text.match(/.{8}/g)!, (word) => parseInt(word, 16));
  return IpAddress.fromBytes(words.length === 1 ? 4 : 6, new Uint8Array(words.buffer));
}
