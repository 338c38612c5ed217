/** Datagrams with numbers, sent through an emulated wire and noted when they arrive. */
import { setTimeout as sleep } from "node:timers/promises";
import { AF_INET, SOCK_DGRAM } from "../../net/constants.ts";
import { check, libc } from "../../net/libc.ts";
import { nativeBytes } from "../../net/native_memory.ts";
import { inNamespace } from "../../net/network_namespace.ts";
import { SOCKADDR_BYTES, writeSockaddr } from "../../net/sockaddr.ts";
import { runTool } from "../../net/system_tool.ts";
import { bindSocket, closeSocket, openSocket, setBufferSizes } from "../../net/socket.ts";
import { parseLink } from "../../sim/link_spec.ts";
import { IpAddress } from "../../sctp/base/address.ts";
import { MadeNamespaces } from "../namespaces.ts";
import { Netem } from "../netem.ts";

const PORT = 4711;
const BUFFER = 8 << 20;
/** Headers of IPv4 and UDP. */
export const HEADERS = 28;
const ADDRESSES = ["10.99.0.1", "10.99.0.2"] as const;

/** A datagram that arrived. */
export interface Arrival {
  readonly number: number;
  /** Milliseconds from when it was sent, and when that was. */
  readonly delay: number;
  readonly sentAt: number;
}

/** A UDP socket in a namespace, connected to that of the other end. */
class UdpEnd {
  readonly descriptor: number;
  readonly #bytes = nativeBytes(2048);
  readonly #view = new DataView(this.#bytes.buffer);

  constructor(namespace: string, own: string, other: string) {
    this.descriptor = inNamespace(namespace, () => {
      const descriptor = openSocket(AF_INET, SOCK_DGRAM, 0, "UDP socket");
      setBufferSizes(descriptor, BUFFER, BUFFER);
      bindSocket(descriptor, IpAddress.parse(own), PORT, "UDP socket");
      const name = nativeBytes(SOCKADDR_BYTES);
      const length = writeSockaddr(name, 0, IpAddress.parse(other), PORT);
      check(libc().connect(descriptor, name, length), "connect a UDP socket");
      return descriptor;
    });
  }

  /** False if the kernel did not take it: the device's queue is full. */
  send(number: number, length: number): boolean {
    this.#view.setFloat64(0, number);
    this.#view.setFloat64(8, performance.now());
    return libc().write(this.descriptor, this.#bytes, BigInt(length)) === length;
  }

  receive(): Arrival | undefined {
    if (libc().read(this.descriptor, this.#bytes, 2048n) <= 0) return undefined;
    const sentAt = this.#view.getFloat64(8);
    return { number: this.#view.getFloat64(0), delay: performance.now() - sentAt, sentAt };
  }
}

/** Two namespaces with one wire between them. Remove it by `await using`. */
export class Probe implements AsyncDisposable {
  private constructor(
    readonly netem: Netem,
    private readonly namespaces: MadeNamespaces,
    private readonly ends: readonly [UdpEnd, UdpEnd],
  ) {}

  /** @param link as {@link parseLink} reads it. */
  static async start(link: string, seed = 1): Promise<Probe> {
    const plan = parseLink(link);
    if ("fault" in plan) throw new Error(plan.fault);
    const namespaces = new MadeNamespaces();
    try {
      const names = ["a", "b"].map((end) =>
        `netem-${Deno.pid}-${crypto.randomUUID().slice(0, 4)}${end}`
      );
      for (const name of names) {
        namespaces.make(name);
        // Its hosts' own packets would take part in the luck of the link.
        runTool("ip", ["netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"]);
      }
      const [a, b] = names;
      const addresses = ADDRESSES.map((address) => [`${address}/24`]);
      const wire = { ...plan, name: "wire0", addresses: [addresses[0], addresses[1]] as const };
      const netem = await Netem.start({ ends: [a, b], seed, wires: [wire] });
      const ends = [
        new UdpEnd(a, ...ADDRESSES),
        new UdpEnd(b, ADDRESSES[1], ADDRESSES[0]),
      ] as const;
      return new Probe(netem, namespaces, ends);
    } catch (error) {
      namespaces[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Sends datagrams from one end to the other, and waits until none has come for a while.
   * @param pause milliseconds between two; 0 for as fast as the kernel takes them.
   * @param quiet milliseconds without an arrival that end the waiting.
   */
  async send(
    count: number,
    { length = 100, pause = 0, quiet = 300, from = 0 as 0 | 1 } = {},
  ): Promise<Arrival[]> {
    const [source, sink] = from === 0 ? this.ends : [this.ends[1], this.ends[0]];
    const arrivals: Arrival[] = [];
    let last = performance.now();
    const collect = () => {
      for (let one = sink.receive(); one; one = sink.receive()) {
        arrivals.push(one);
        last = performance.now();
      }
    };
    for (let number = 0; number < count;) {
      collect();
      if (source.send(number, length - HEADERS)) number++;
      else await sleep(1);
      if (pause > 0) await sleep(pause);
      else if (number % 64 === 0) await sleep(0);
    }
    last = Math.max(last, performance.now());
    while (performance.now() - last < quiet) {
      collect();
      await sleep(1);
    }
    return arrivals;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { descriptor } of this.ends) closeSocket(descriptor);
    await this.netem.stop();
    this.namespaces[Symbol.dispose]();
  }
}
