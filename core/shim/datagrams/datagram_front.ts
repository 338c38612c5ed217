/** Everything of a data plane that carries datagrams: queue, delivery, flows. */
import { SockDiag } from "../../net/sock_diag.ts";
import { SystemError } from "../../net/system_error.ts";
import { UdpDelivery } from "../../net/udp_delivery.ts";
import type { Association } from "../../sctp/association.ts";
import type { Instant } from "../../sctp/base/time.ts";
import type { FrontPlane } from "../plane.ts";
import { type DatagramConfig, datagramQueueNumber, type DatagramReport } from "../protocol.ts";
import { DatagramQueue } from "./datagram_queue.ts";
import { type DatagramParts, Datagrams } from "./datagrams.ts";
import type { DatagramStatus } from "./status.ts";

/** What the kernel has to give. */
interface Opened {
  readonly delivery: UdpDelivery;
  readonly diag: SockDiag;
  readonly queue: DatagramQueue;
  readonly datagrams: Datagrams;
}

export class DatagramFront {
  readonly #plane: FrontPlane;
  #opened: Opened | undefined;
  /** Why there is no queue, in words. */
  #lack: string | undefined;

  /** Opens what it can: a host that cannot hold datagrams has plain UDP. Close it at the end. */
  constructor(
    plane: FrontPlane,
    config: DatagramConfig,
    endpoint: DatagramParts["endpoint"],
  ) {
    this.#plane = plane;
    try {
      this.#opened = this.#open(config, endpoint);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      this.#lack = error.message;
    }
  }

  /** What the control plane needs to know. */
  get report(): DatagramReport {
    return { queue: this.#opened?.queue.descriptor ?? -1, lack: this.#lack };
  }

  get status(): DatagramStatus | undefined {
    return this.#opened?.datagrams.status();
  }

  /** Rules or settings are different. */
  refresh(): void {
    this.#opened?.datagrams.refresh();
  }

  /** An association to the port for datagrams has come up, or its peer has restarted. */
  welcome(now: Instant, association: Association): void {
    if (this.#opened) this.#opened.datagrams.welcome(now, association);
    else association.abort(now);
  }

  /** The watchdog has taken the queue away; the answer is the new one. */
  reopenQueue(): number {
    this.#opened?.queue.reopen();
    return this.report.queue;
  }

  /** Lets go of what is held, and ends the associations; may be called twice. */
  stop(now: Instant): void {
    this.#opened?.queue.close();
    this.#opened?.datagrams.close(now);
  }

  /** Closes everything. */
  close(): void {
    const opened = this.#opened;
    this.#opened = undefined;
    opened?.queue.close();
    opened?.delivery.close();
    opened?.diag.close();
  }

  #open(config: DatagramConfig, endpoint: DatagramParts["endpoint"]): Opened {
    const plane = this.#plane;
    const diag = new SockDiag();
    const closers: { close(): void }[] = [diag];
    try {
      const delivery = new UdpDelivery(plane.mark);
      closers.push(delivery);
      const finder = diag.canFindReceivers() ? diag : undefined;
      const datagrams = new Datagrams(plane, { config, endpoint, delivery, diag: finder });
      const queue = new DatagramQueue(
        plane,
        datagramQueueNumber(config),
        (packet, interfaceIndex, bytes) =>
          datagrams.take(plane.now(), packet, interfaceIndex, bytes),
      );
      return { delivery, diag, queue, datagrams };
    } catch (error) {
      for (const each of closers) each.close();
      throw error;
    }
  }
}
