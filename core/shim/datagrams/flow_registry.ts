/** The flows of one peer by their numbers, and the servers that take flows. */
import { type Flow, serviceOf } from "./flow.ts";

/** Flows that one side may have opened on an association. */
const FLOWS_PER_SIDE = 4096;

/** Servers that are remembered as taking flows. */
const SERVICES_KEPT = 1024;

export class FlowRegistry {
  /** All of them. */
  readonly #all = new Set<Flow>();
  /** Those that this host, and that the peer has opened, by their numbers. */
  readonly #ours = new Map<number, Flow>();
  readonly #theirs = new Map<number, Flow>();
  /** Servers of the peer that take flows. */
  readonly #services = new Set<string>();
  #nextId = 0;

  get count(): number {
    return this.#all.size;
  }

  /** True if the peer has opened as many flows as it may. */
  get isFull(): boolean {
    return this.#theirs.size >= FLOWS_PER_SIDE;
  }

  /** Those that the peer has opened. */
  get theirs(): readonly Flow[] {
    return [...this.#theirs.values()];
  }

  [Symbol.iterator](): Iterator<Flow> {
    return this.#all.values();
  }

  /** Adds a flow: one that the peer has opened has its number already. */
  add(flow: Flow): void {
    this.#all.add(flow);
    if (!flow.isOurs) this.#theirs.set(flow.id, flow);
  }

  /** The flow with a number that this host has given, or that the peer has. */
  find(id: number, isOurs: boolean): Flow | undefined {
    return (isOurs ? this.#ours : this.#theirs).get(id);
  }

  /** Gives a flow of this host a number that no other one has; false if there are too many. */
  number(flow: Flow): boolean {
    if (this.#ours.size >= FLOWS_PER_SIDE) return false;
    do this.#nextId = this.#nextId % 0xffff + 1; while (this.#ours.has(this.#nextId));
    flow.id = this.#nextId;
    this.#ours.set(flow.id, flow);
    return true;
  }

  /** Takes the number of a flow of this host back. */
  unnumber(flow: Flow): void {
    this.#ours.delete(flow.id);
    flow.id = 0;
  }

  delete(flow: Flow): void {
    this.#all.delete(flow);
    if (flow.isOurs) this.#ours.delete(flow.id);
    else if (this.#theirs.get(flow.id) === flow) this.#theirs.delete(flow.id);
  }

  /** Whether the server of a flow takes flows, as far as is known. */
  takes(flow: Flow): boolean {
    return this.#services.has(serviceOf(flow));
  }

  /** The server of a flow takes flows, or does not. */
  note(flow: Flow, takes: boolean): void {
    if (!takes) return void this.#services.delete(serviceOf(flow));
    if (this.#services.size >= SERVICES_KEPT) this.#services.clear();
    this.#services.add(serviceOf(flow));
  }

  /** Nothing is known of servers any more, and no flow of this host has a number. */
  reset(): void {
    this.#services.clear();
    for (const flow of this.#ours.values()) flow.id = 0;
    this.#ours.clear();
  }
}
