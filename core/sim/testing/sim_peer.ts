/** A host with an endpoint and a small application on it, for scenario tests that are written by hand. */
import type { Association } from "../../sctp/association.ts";
import { IpAddress } from "../../sctp/base/address.ts";
import { after, type Instant } from "../../sctp/base/time.ts";
import { type AssociateOptions, Endpoint } from "../../sctp/endpoint.ts";
import type { SctpEvent } from "../../sctp/events.ts";
import type { Parameters } from "../../sctp/parameters.ts";
import { DeliveryChecker } from "../delivery_checker.ts";
import { simEnvironment } from "../environment.ts";
import type { Host } from "../host.ts";
import type { Network } from "../network.ts";
import type { Workload, WorkloadSender } from "../workload.ts";

export const PORT = 5001;

/** What a peer does. */
export interface SimPeerOptions {
  readonly addresses: readonly string[];
  readonly parameters?: Partial<Parameters>;
  readonly encapsulationPort?: number;
  /** Accepts associations on {@link PORT}. */
  readonly listens?: boolean;
  /** Sent as soon as an association is up. */
  readonly sends?: Workload;
  /** What is to arrive. */
  readonly expects?: Workload;
  /** Milliseconds from "readable" to reading; default 0. */
  readonly readDelay?: number;
}

export class SimPeer {
  readonly host: Host<Endpoint>;
  /** Kinds of the events of the association, in order; `communication-lost` with its reason. */
  readonly events: string[] = [];
  readonly checker: DeliveryChecker | undefined;
  /** When something was read, in virtual milliseconds. */
  readonly readTimes: number[] = [];
  association: Association | undefined;
  readonly #sender: WorkloadSender | undefined;

  constructor(
    readonly name: string,
    private readonly network: Network,
    private readonly options: SimPeerOptions,
  ) {
    this.#sender = options.sends?.sender();
    this.checker = options.expects && new DeliveryChecker(options.expects);
    this.host = network.addHost(name, options.addresses, {
      boot: (localAddresses) => {
        const { parameters = {} } = options;
        const environment = simEnvironment(network.seed * 2 + (options.listens ? 1 : 0));
        const endpoint = new Endpoint(environment, {
          parameters,
          localAddresses,
          developmentChecks: true,
        });
        if (options.listens) endpoint.listen(PORT);
        return endpoint;
      },
      handleEvent: (event: SctpEvent, now) => this.#handle(event, now),
      encapsulationPort: options.encapsulationPort ?? 0,
    });
  }

  /** Associates with another peer. */
  associate(peer: SimPeer, options: Partial<AssociateOptions> = {}): void {
    this.host.command((endpoint, now) => {
      this.association = endpoint.associate(now, {
        remotePort: PORT,
        remoteAddresses: peer.options.addresses.map((text) => IpAddress.parse(text)),
        encapsulationPort: peer.options.encapsulationPort ?? 0,
        ...options,
      });
    });
  }

  /** Gives the association a command. */
  command(action: (association: Association, now: Instant) => void): void {
    const { association } = this;
    if (!association) throw new Error(`${this.name} has no association`);
    this.host.command((_endpoint, now) => action(association, now));
  }

  /** True once everything that is expected has arrived. */
  get isComplete(): boolean {
    return this.checker !== undefined && this.checker.isComplete;
  }

  #handle(event: SctpEvent, now: Instant): void {
    this.association ??= event.association;
    this.events.push(
      event.kind === "communication-lost" ? `${event.kind}: ${event.reason.kind}` : event.kind,
    );
    if (event.kind === "communication-up" || event.kind === "writable") {
      this.#sender?.pump(now, event.association);
    }
    if (event.kind === "readable") this.#read(event.association, now);
  }

  #read(association: Association, now: Instant): void {
    const { readDelay = 0 } = this.options;
    if (readDelay === 0) return this.#pull(association, now);
    this.network.clock.at(after(now, readDelay), () => {
      this.host.command((_endpoint, then) => this.#pull(association, then));
    });
  }

  #pull(association: Association, now: Instant): void {
    this.readTimes.push(now);
    this.checker?.pull(now, association);
  }
}
