/** Flows by their ends. Looking one up makes nothing. Pure. */
import type { IpAddress } from "../../sctp/base/address.ts";
import type { Flow } from "./flow.ts";

export class FlowTable<Owner = unknown> {
  readonly #buckets = new Map<number, Flow<Owner>>();
  #count = 0;

  /** @param capacity the most flows that it holds. */
  constructor(readonly capacity: number) {}

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= this.capacity;
  }

  /** The flow between two ends. */
  find(
    local: IpAddress,
    localPort: number,
    remote: IpAddress,
    remotePort: number,
  ): Flow<Owner> | undefined {
    let flow = this.#buckets.get(hashOf(local, localPort, remote, remotePort));
    while (flow && !isBetween(flow, local, localPort, remote, remotePort)) flow = flow.next;
    return flow;
  }

  /**
   * Adds a flow between ends that have none.
   * @throws RangeError if the table is full: ask {@link isFull} before.
   */
  add(flow: Flow<Owner>): void {
    if (this.isFull) throw new RangeError(`more than ${this.capacity} flows`);
    const hash = hashOfFlow(flow);
    flow.next = this.#buckets.get(hash);
    this.#buckets.set(hash, flow);
    this.#count++;
  }

  /** Takes a flow out; does nothing if it is not there. */
  delete(flow: Flow<Owner>): void {
    const hash = hashOfFlow(flow);
    let before: Flow<Owner> | undefined;
    let at = this.#buckets.get(hash);
    while (at && at !== flow) [before, at] = [at, at.next];
    if (!at) return;
    if (before) before.next = flow.next;
    else if (flow.next) this.#buckets.set(hash, flow.next);
    else this.#buckets.delete(hash);
    flow.next = undefined;
    this.#count--;
  }

  *[Symbol.iterator](): Iterator<Flow<Owner>> {
    for (const first of this.#buckets.values()) {
      for (let flow: Flow<Owner> | undefined = first; flow; flow = flow.next) yield flow;
    }
  }
}

function isBetween(
  flow: Flow,
  local: IpAddress,
  localPort: number,
  remote: IpAddress,
  remotePort: number,
): boolean {
  return flow.local.port === localPort && flow.remote.port === remotePort &&
    flow.local.address.equals(local) && flow.remote.address.equals(remote);
}

function hashOfFlow({ local, remote }: Flow): number {
  return hashOf(local.address, local.port, remote.address, remote.port);
}

/**
 * Each step is a bijection of the hash, so flows between the same two addresses never share one: nobody can
 * choose ports that make the search long.
 */
function hashOf(
  local: IpAddress,
  localPort: number,
  remote: IpAddress,
  remotePort: number,
): number {
  let hash = (localPort << 16) | remotePort;
  hash = mixBytes(hash, local.bytes);
  return mixBytes(hash, remote.bytes);
}

function mixBytes(seed: number, bytes: Uint8Array): number {
  let hash = seed;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash ^ (hash >>> 15);
}
