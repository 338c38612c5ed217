/**
 * ICMP errors about packets that this host sent, from the error queue of their socket (ip(7),
 * IP_RECVERR): the kernel has matched them to the socket already.
 */
import type { IpAddress } from "../sctp/base/address.ts";
import type { IcmpError, IcmpKind } from "../sctp/icmp_error.ts";
import {
  EMSGSIZE,
  IP_PKTINFO,
  IP_RECVERR,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_PKTINFO,
  IPV6_RECVERR,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  SO_EE_ORIGIN_ICMP,
  SO_EE_ORIGIN_ICMP6,
  SO_EE_ORIGIN_LOCAL,
} from "./constants.ts";
import { type Libc, libc } from "./libc.ts";
import { addressOf, nativeBytes, writeWord64 } from "./native_memory.ts";
import { type AddressCache, scopeOf } from "./sockaddr.ts";

/** struct msghdr: offsets in 32-bit words. */
const [NAME, NAMELEN, IOV, IOVLEN, CONTROL, CONTROLLEN] = [0, 2, 4, 6, 8, 10];
const NAME_BYTES = 32;
const CONTROL_BYTES = 512;
/** More of the packet than any ICMP error quotes in practice. */
const QUOTE_BYTES = 1280;

/** Whether packets travel in UDP: a closed UDP port then means what a missing SCTP means over IP. */
export type Encapsulation = "raw" | "udp";

/** Reads error queues, one message a call. */
export class ErrorQueueReader {
  readonly #libc: Libc = libc();
  readonly #header = nativeBytes(56);
  readonly #headerWords = new Uint32Array(this.#header.buffer);
  readonly #iovec = nativeBytes(16);
  readonly #name = nativeBytes(NAME_BYTES);
  readonly #control = nativeBytes(CONTROL_BYTES);
  readonly #controlWords = new Uint32Array(this.#control.buffer);
  readonly #quote = nativeBytes(QUOTE_BYTES);

  constructor(readonly encapsulation: Encapsulation, readonly addresses: AddressCache) {
    const iovec = new Uint32Array(this.#iovec.buffer);
    writeWord64(iovec, 0, addressOf(this.#quote));
    writeWord64(iovec, 2, QUOTE_BYTES);
    writeWord64(this.#headerWords, NAME, addressOf(this.#name));
    writeWord64(this.#headerWords, IOV, addressOf(this.#iovec));
    writeWord64(this.#headerWords, IOVLEN, 1);
    writeWord64(this.#headerWords, CONTROL, addressOf(this.#control));
  }

  /**
   * Takes the next error from a socket's queue.
   * @param local the source address of the packet that met the error, where the caller knows it.
   * @param refused the packet that was just refused as too big: the kernel does not quote it.
   * @returns "empty" if the queue is, `undefined` for an error that says nothing of a packet of ours.
   */
  read(
    descriptor: number,
    local: IpAddress | undefined,
    refused?: Uint8Array,
  ): IcmpError | "empty" | undefined {
    this.#headerWords[NAMELEN] = NAME_BYTES;
    this.#headerWords[CONTROLLEN] = CONTROL_BYTES;
    const length = this.#libc.recvmsg(descriptor, this.#header, MSG_ERRQUEUE | MSG_DONTWAIT);
    if (length < 0) return "empty";
    const remote = this.addresses.fromSockaddr(this.#name, 0);
    const error = this.#findControl(IP_RECVERR, IPV6_RECVERR);
    const source = local ?? this.#localAddress();
    if (!remote || !source || error < 0) return undefined;
    const words = this.#controlWords;
    const origin = words[error + 1] & 0xff;
    const type = (words[error + 1] >> 8) & 0xff;
    const code = (words[error + 1] >> 16) & 0xff;
    const kind = this.#kind(origin, type, code, words[error]);
    if (!kind) return undefined;
    const quoted = origin === SO_EE_ORIGIN_LOCAL && refused
      ? refused
      : this.#quote.slice(0, length);
    return {
      kind,
      local: source,
      remote,
      mtu: kind === "packet-too-big" ? words[error + 2] : 0,
      quoted,
    };
  }

  #kind(origin: number, type: number, code: number, error: number): IcmpKind | undefined {
    if (origin === SO_EE_ORIGIN_ICMP) return icmpKind(type, code, this.encapsulation);
    if (origin === SO_EE_ORIGIN_ICMP6) return icmp6Kind(type, code, this.encapsulation);
    return origin === SO_EE_ORIGIN_LOCAL && error === EMSGSIZE ? "packet-too-big" : undefined;
  }

  /** The address that the ICMP packet came to, from its pktinfo. */
  #localAddress(): IpAddress | undefined {
    const info = this.#findControl(IP_PKTINFO, IPV6_PKTINFO);
    if (info < 0) return undefined;
    const words = this.#controlWords;
    if (words[info - 2] === IPPROTO_IP) {
      return this.addresses.at(4, this.#control, (info + 2) * 4, 0);
    }
    const scope = scopeOf(this.#control, info * 4, words[info + 4]);
    return this.addresses.at(6, this.#control, info * 4, scope);
  }

  /** Where the data of a control message of IPv4's or IPv6's lies, in words; -1 if there is none. */
  #findControl(typeV4: number, typeV6: number): number {
    const words = this.#controlWords;
    const end = this.#headerWords[CONTROLLEN] >> 2;
    for (let at = 0; at + 4 <= end && words[at] >= 16; at += ((words[at] + 7) & ~7) >> 2) {
      const [level, type] = [words[at + 2], words[at + 3]];
      if (level === IPPROTO_IP && type === typeV4) return at + 4;
      if (level === IPPROTO_IPV6 && type === typeV6) return at + 4;
    }
    return -1;
  }
}

/** RFC 792: type 3 is Destination Unreachable; what else comes back says nothing of reachability. */
export function icmpKind(
  type: number,
  code: number,
  encapsulation: Encapsulation,
): IcmpKind | undefined {
  if (type !== 3) return undefined;
  if (code === 2) return "protocol-unreachable";
  if (code === 3) return portUnreachable(encapsulation);
  return code === 4 ? "packet-too-big" : "destination-unreachable";
}

/** RFC 4443: type 1 Destination Unreachable, 2 Packet Too Big, 4 Parameter Problem. */
export function icmp6Kind(
  type: number,
  code: number,
  encapsulation: Encapsulation,
): IcmpKind | undefined {
  if (type === 2) return "packet-too-big";
  if (type === 4) return code === 1 ? "protocol-unreachable" : undefined;
  if (type !== 1) return undefined;
  return code === 4 ? portUnreachable(encapsulation) : "destination-unreachable";
}

/** RFC 6951, section 5.5: a closed port of the encapsulation means that there is no SCTP. */
function portUnreachable(encapsulation: Encapsulation): IcmpKind {
  return encapsulation === "udp" ? "protocol-unreachable" : "port-unreachable";
}
