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
  readonly #byPorts = new Map<number, Association[]>();
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
    this.place(association);
    if (association.incoming) {
      this.#incoming.set(association.localPort, this.countIncoming(association.localPort) + 1);
    }
  }

  /** Makes the association findable by its ports; does nothing if it is. */
  place(association: Association): void {
    const key = portsKey(association.localPort, association.remotePort);
    const bucket = this.#byPorts.get(key);
    if (!bucket) this.#byPorts.set(key, [association]);
    else if (!bucket.includes(association)) bucket.push(association);
  }

  remove(association: Association): void {
    if (!this.#byTag.delete(association.localTag)) return;
    if (this.#last === association) this.#last = undefined;
    const key = portsKey(association.localPort, association.remotePort);
    const rest = this.#byPorts.get(key)?.filter((other) => other !== association) ?? [];
    if (rest.length > 0) this.#byPorts.set(key, rest);
    else this.#byPorts.delete(key);
    if (!association.incoming) return;
    const left = this.countIncoming(association.localPort) - 1;
    if (left > 0) this.#incoming.set(association.localPort, left);
    else this.#incoming.delete(association.localPort);
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
    const bucket = this.#byPorts.get(portsKey(localPort, remotePort));
    return bucket?.find((association) =>
      addresses.some((address) => association.isPeerAddress(address))
    );
  }

  /** The association that sent the packet which an ICMP error quotes (RFC 9260, section 10, ICMP5). */
  findQuoted(
    error: IcmpError,
    isOurs: (association: Association, quoted: Uint8Array) => boolean,
  ): Association | undefined {
    if (error.quoted.length < 8) return undefined;
    const key = portsKey(readU16(error.quoted, 0), readU16(error.quoted, 2));
    return this.#byPorts.get(key)?.find((association) =>
      association.isPeerAddress(error.remote) && isOurs(association, error.quoted)
    );
  }
}

function portsKey(localPort: number, remotePort: number): number {
  return localPort * 65_536 + remotePort;
}
