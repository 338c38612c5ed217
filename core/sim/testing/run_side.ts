/** One host of a seeded run with the application on it. */
import type { Association } from "../../sctp/association.ts";
import { after, type Instant } from "../../sctp/base/time.ts";
import { Endpoint } from "../../sctp/endpoint.ts";
import type { LossReason, SctpEvent } from "../../sctp/events.ts";
import type { LocalAddress } from "../../sctp/path/pairing.ts";
import { simEnvironment } from "../environment.ts";
import type { Host } from "../host.ts";
import type { Network } from "../network.ts";
import { Workload } from "../workload.ts";
import { isPartial, type RunPlan, type Side } from "./run_plan.ts";
import { PPIDS_PER_SESSION, RunSession } from "./run_session.ts";

export class RunSide {
  readonly host: Host<Endpoint>;
  /** All sessions, those of earlier incarnations included. */
  readonly sessions: RunSession[] = [];
  /** Called when an association of this side was lost. */
  onLost: (now: Instant, reason: LossReason) => void = () => {};
  #boots = 0;

  constructor(
    readonly side: Side,
    private readonly plan: RunPlan,
    private readonly network: Network,
    private readonly prepare: (endpoint: Endpoint) => void,
    private readonly workloads: (side: Side, number: number) => Workload,
  ) {
    this.host = network.addHost(side, plan.addresses[side], {
      boot: (localAddresses) => this.#boot(localAddresses),
      handleEvent: (event: SctpEvent, now) => this.#handle(event, now),
      encapsulationPort: plan.ports[side],
    });
  }

  /** The session that began last. */
  get latest(): RunSession | undefined {
    return this.sessions.at(-1);
  }

  /** Begins a session on an association. */
  begin(association: Association): RunSession {
    const { side, workloads } = this;
    const other = side === "client" ? "server" : "client";
    const number = this.sessions.length;
    const session = new RunSession(
      number,
      association,
      workloads(side, number),
      (peerNumber) => workloads(other, peerNumber),
      this.plan.readSize,
      isPartial(this.plan),
    );
    association.notifySendFailures(true);
    association.setStreamScheduler(this.plan.extensions[this.side].scheduler);
    this.sessions.push(session);
    return session;
  }

  #boot(localAddresses: readonly LocalAddress[]): Endpoint {
    const seed = this.plan.seed * 4 + (this.side === "client" ? 0 : 1) + 1000 * this.#boots++;
    const { switches, authentication } = this.plan.extensions[this.side];
    const { isInsideDtls } = this.plan;
    const endpoint = new Endpoint({ ...simEnvironment(seed), isInsideDtls }, {
      parameters: { ...this.plan.parameters[this.side], ...switches },
      authentication,
      localAddresses,
      developmentChecks: true,
    });
    this.prepare(endpoint);
    return endpoint;
  }

  #sessionOf(association: Association): RunSession | undefined {
    return this.sessions.findLast((session) => session.association === association);
  }

  #handle(event: SctpEvent, now: Instant): void {
    const session = this.#sessionOf(event.association);
    switch (event.kind) {
      case "communication-up":
        return this.#up(session ?? this.begin(event.association), now);
      case "restart":
        if (session) session.ended = "replaced";
        return this.#up(this.begin(event.association), now);
      case "writable":
        return session?.pump(now);
      case "readable":
        return session && this.#read(session, now);
      case "communication-lost":
        if (session) session.ended = event.reason;
        return this.onLost(now, event.reason);
      case "shutdown-complete":
        if (session) session.ended = "shutdown";
        return;
      case "send-failed":
        session?.failures.push(event.failure);
        return;
      case "partial-delivery-aborted":
        session?.checker?.abort(event.message);
        return;
      case "shutdown-received":
      case "path-status":
      case "remote-error":
      case "sender-dry":
        return;
    }
  }

  #up(session: RunSession, now: Instant): void {
    session.isUp = true;
    session.pump(now);
  }

  /** Reads at once, or after the plan's delay. */
  #read(session: RunSession, now: Instant): void {
    const delay = this.plan.readDelay[this.side];
    if (delay === 0) return session.pull(now);
    const { handler } = this.host;
    this.network.clock.at(after(now, delay), () => {
      if (!this.host.isRunning || this.host.handler !== handler) return;
      // The peer may have restarted meanwhile: then the association belongs to a new session.
      this.host.command((_endpoint, then) => this.#sessionOf(session.association)?.pull(then));
    });
  }
}

/** The workloads of a run: what session `number` of a side sends. */
export function runWorkloads(plan: RunPlan): (side: Side, number: number) => Workload {
  const made = new Map<string, Workload>();
  return (side, number) => {
    const key = `${side} ${number}`;
    const known = made.get(key);
    if (known) return known;
    const seed = plan.seed * 64 + number * 2 + (side === "client" ? 0 : 1);
    const firstPpid = number * PPIDS_PER_SESSION;
    const partialShare = plan.partialShare[side];
    const workload = new Workload({ ...plan.workload[side], partialShare, seed, firstPpid });
    made.set(key, workload);
    return workload;
  };
}
