/**
 * Finds the association that a packet belongs to: by its Verification Tag, which is ours and unique
 * here, or by ports and address where the tag cannot say (RFC 9260, sections 5.1.2, D and 8.5.1).
 */
import type { Association } from "./association.ts";
import type { IpAddress } from "./base/address.ts";
import { readU16 } from "./base/bytes.ts";
import type { IcmpError } from "./icmp_error.ts";

export class Demultiplexer {
  readonly #byTag = new Map<number, Association>();
  readonly #byPeer = new Map<string, Association>();
  readonly #incoming = new Map<number, number>();
  /** Most packets belong to the association of the packet before. */
  #last: Association | undefined;

  get associations(): Iterable<Association> {
    return this.#byTag.values();
  }

  get count(): number {
    return this.#byTag.size;
  }

  /** Associations that came in through a port. */
  countIncoming(port: number): number {
    return this.#incoming.get(port) ?? 0;
  }

  add(association: Association): void {
    this.#byTag.set(association.localTag, association);
    if (association.incoming) {
      this.#incoming.set(association.localPort, this.countIncoming(association.localPort) + 1);
    }
  }

  /** Makes the association findable by one of its peer's addresses, if that is no other's. */
  claim(association: Association, address: IpAddress): void {
    const key = peerKey(association.localPort, association.remotePort, address);
    if (!this.#byPeer.has(key)) this.#byPeer.set(key, association);
  }

  /** The association is no longer found by an address. */
  release(association: Association, address: IpAddress): void {
    const key = peerKey(association.localPort, association.remotePort, address);
    if (this.#byPeer.get(key) === association) this.#byPeer.delete(key);
  }

  remove(association: Association): void {
    if (!this.#byTag.delete(association.localTag)) return;
    if (this.#last === association) this.#last = undefined;
    const { localPort, incoming } = association;
    for (const { remote } of association.pathList) this.release(association, remote);
    if (!incoming) return;
    const left = this.countIncoming(localPort) - 1;
    if (left > 0) this.#incoming.set(localPort, left);
    else this.#incoming.delete(localPort);
  }

  /** The association has another local tag now. */
  retag(association: Association, oldTag: number): void {
    this.#byTag.delete(oldTag);
    this.#byTag.set(association.localTag, association);
  }

  /** The association whose local tag this is. */
  byTag(tag: number): Association | undefined {
    if (this.#last !== undefined && this.#last.localTag === tag) return this.#last;
    const found = this.#byTag.get(tag);
    if (found) this.#last = found;
    return found;
  }

  /** The association between two ports with a peer that has one of these addresses. */
  find(
    localPort: number,
    remotePort: number,
    addresses: readonly IpAddress[],
  ): Association | undefined {
    for (const address of addresses) {
      const found = this.#byPeer.get(peerKey(localPort, remotePort, address));
      if (found) return found;
    }
    return undefined;
  }

  /** The association that sent the packet which an ICMP error quotes (RFC 9260, section 10, ICMP5). */
  findQuoted(
    error: IcmpError,
    isOurs: (association: Association, quoted: Uint8Array) => boolean,
  ): Association | undefined {
    if (error.quoted.length < 8) return undefined;
    const [local, remote] = [readU16(error.quoted, 0), readU16(error.quoted, 2)];
    const found = this.#byPeer.get(peerKey(local, remote, error.remote));
    return found && isOurs(found, error.quoted) ? found : undefined;
  }
}

/** Only packets whose tag does not find their association are looked up by this. */
function peerKey(localPort: number, remotePort: number, address: IpAddress): string {
  return `${localPort} ${remotePort} ${address.text}`;
}
