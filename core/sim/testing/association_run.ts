/**
 * One seeded run: two endpoints, a network that does its worst, and a judgement. Every message arrives
 * exactly once, in order and intact, or the association ends with an error that the plan explains; and
 * nothing is left behind.
 */
import { IpAddress } from "../../sctp/base/address.ts";
import { earlier, elapsed, type Instant, NEVER } from "../../sctp/base/time.ts";
import type { Endpoint } from "../../sctp/endpoint.ts";
import type { LossReason } from "../../sctp/events.ts";
import { PARAMETERS } from "../../sctp/parameters.ts";
import type { DuplexLink } from "../duplex_link.ts";
import type { LinkObserver } from "../link.ts";
import { Network } from "../network.ts";
import { Scenario } from "../scenario.ts";
import { describePlan, mustSucceed, planRun, type RunPlan, type Side } from "./run_plan.ts";
import type { RunSession } from "./run_session.ts";
import { RunSide, runWorkloads } from "./run_side.ts";

const CLIENT_PORT = 5000;
const SERVER_PORT = 5001;
/** Virtual time after which an association counts as stuck. */
const STUCK = 3 * 3_600_000;
const STEPS = 3_000_000;
/** Associations that the client tries after it or the server has restarted. */
const ATTEMPTS = 6;

/** What became of a run that went as it should. */
export interface RunOutcome {
  /** True if everything was delivered; false if the association ended early, for a good reason. */
  readonly delivered: boolean;
  /** Virtual milliseconds. */
  readonly time: number;
  /** Packets that entered a link. */
  readonly packets: number;
}

/** Runs the plan of a seed; throws an error that tells the plan, the fault and where both sides stood. */
export function runAssociation(seed: number, observer?: LinkObserver): RunOutcome {
  const plan = planRun(seed);
  const run = new AssociationRun(plan);
  run.network.observe(observer);
  try {
    return run.run();
  } catch (cause) {
    const text = cause instanceof Error ? cause.stack : String(cause);
    throw new Error(`${text}\n${describePlan(plan)}\n${run.status}`, { cause });
  }
}

class AssociationRun {
  readonly network: Network;
  readonly scenario: Scenario;
  readonly client: RunSide;
  readonly server: RunSide;
  readonly #links: DuplexLink[];
  #restarts = 0;
  /** When the first shutdown was asked for. */
  #shutdownAt: Instant = NEVER;

  constructor(readonly plan: RunPlan) {
    this.network = new Network(plan.seed);
    this.scenario = new Scenario(this.network, { steps: STEPS, time: STUCK });
    const workloads = runWorkloads(plan);
    const make = (side: Side, prepare: (endpoint: Endpoint) => void) =>
      new RunSide(side, plan, this.network, prepare, workloads);
    this.server = make("server", (endpoint) => endpoint.listen(SERVER_PORT));
    this.client = make("client", () => {});
    this.client.onLost = (now) => this.#clientLost(now);
    this.#links = plan.links.map(({ a, b, settings }) =>
      this.network.connect(a, b, settings(), settings())
    );
  }

  get status(): string {
    const sessions = [this.client, this.server].flatMap(({ side, sessions }) =>
      sessions.map((session) => `  ${side} ${session.status}`)
    );
    return [`  at ${this.network.clock.now} ms`, ...sessions].join("\n");
  }

  run(): RunOutcome {
    this.#writeScript();
    this.client.host.command((endpoint, now) => this.#associate(endpoint, now));
    const delivered = this.plan.ending.kind === "vanish" ? this.#runToSilence() : this.#runToEnd();
    this.#checkReasons();
    this.#checkGivenUp();
    this.#checkNothingLeft();
    const packets = this.network.links.reduce((sum, link) => sum + link.statistics.sent, 0);
    return { delivered, time: this.network.clock.now, packets };
  }

  #writeScript(): void {
    const { flaps, restart, ending } = this.plan;
    for (const { link, at, duration } of flaps) {
      this.scenario.at(at, `cut link ${link}`, () => this.#links[link].cut());
      this.scenario.at(at + duration, `heal link ${link}`, () => this.#links[link].heal());
    }
    for (const { side, address, at, duration } of this.plan.addressLosses) {
      const change = (up: boolean) =>
        this.#side(side).host.setAddressUp(IpAddress.parse(address), up);
      this.scenario.at(at, `take ${address} from ${side}`, () => change(false));
      this.scenario.at(at + duration, `give ${address} back`, () => change(true));
    }
    if (restart) {
      this.scenario.at(restart.at, `restart ${restart.side}`, () => this.#restart(restart.side));
    }
    if (ending.kind === "vanish") {
      const gone = this.#other(ending.by);
      this.scenario.at(ending.at, `${gone.side} vanishes`, () => gone.host.switchOff());
    }
  }

  #side(side: Side): RunSide {
    return side === "client" ? this.client : this.server;
  }

  #other(side: Side): RunSide {
    return side === "client" ? this.server : this.client;
  }

  #associate(endpoint: Endpoint, now: Instant): void {
    const remoteAddresses = this.plan.addresses.server.map((text) => IpAddress.parse(text));
    const association = endpoint.associate(now, {
      remotePort: SERVER_PORT,
      localPort: CLIENT_PORT,
      remoteAddresses,
      encapsulationPort: this.plan.ports.server,
    });
    this.client.begin(association);
  }

  #restart(side: Side): void {
    const target = this.#side(side);
    if (!target.host.isRunning || this.#isOver) return;
    this.#restarts++;
    for (const session of target.sessions) {
      if (session.ended === undefined || session.association.readableBytes > 0) {
        session.ended = "replaced";
      }
    }
    target.host.restart();
    if (side === "client") {
      target.host.command((endpoint, now) => this.#associate(endpoint, now));
    }
  }

  /** Tries again if a restart explains the loss. */
  #clientLost(now: Instant): void {
    const again = this.#restarts > 0 && this.client.sessions.length < ATTEMPTS &&
      this.plan.ending.kind !== "vanish" && !this.#delivered;
    if (again) this.#associate(this.client.host.handler, now);
  }

  /** Both latest sessions have all that the other side has sent them. */
  get #delivered(): boolean {
    const [mine, theirs] = [this.client.latest, this.server.latest];
    if (!mine?.isUp || !theirs?.isUp || !this.#accepted) return false;
    return mine.hasAllOf(theirs.number) && theirs.hasAllOf(mine.number);
  }

  get #accepted(): boolean {
    const [mine, theirs] = [this.client.latest, this.server.latest];
    return mine !== undefined && theirs !== undefined && mine.isUp && theirs.isUp &&
      mine.sender.isDone && theirs.sender.isDone;
  }

  /** Runs until all is delivered and the association is closed; false if it was lost before. */
  #runToEnd(): boolean {
    const ended = new Set<RunSession>();
    while (!this.#isOver) {
      // A restart can fall into the shutdown: then there is one more session to end.
      const next = () => this.#readySession(ended);
      this.scenario.runUntil(() => this.#isOver || next() !== undefined, "the end of associations");
      const session = next();
      if (session === undefined) continue;
      ended.add(session);
      this.#end(session);
    }
    const delivered = this.#delivered;
    if (delivered || !mustSucceed(this.plan) || this.#guardRanOut) return delivered;
    throw new Error("the association was lost although nothing in the plan explains it");
  }

  /** RFC 9260, section 9.2: T5-shutdown-guard bounds a shutdown, even one that makes progress. */
  get #guardRanOut(): boolean {
    return elapsed(this.#shutdownAt, this.network.clock.now) >= 5 * PARAMETERS.rtoMax.default;
  }

  /** The session that is to be ended now, if there is one. */
  #readySession(ended: ReadonlySet<RunSession>): RunSession | undefined {
    const { kind, by } = this.plan.ending;
    const isReady = kind === "early-shutdown" ? this.#accepted : this.#delivered;
    const session = this.#side(by).latest;
    const isOpen = session !== undefined && session.ended === undefined && !ended.has(session);
    return isReady && isOpen ? session : undefined;
  }

  #end(session: RunSession): void {
    const { kind, by } = this.plan.ending;
    this.#side(by).host.command((_endpoint, now) => {
      this.#shutdownAt = earlier(this.#shutdownAt, now);
      if (kind === "abort") session.association.abort(now);
      else session.association.shutdown(now);
    });
  }

  /** Runs until the side that is left alone has noticed it. */
  #runToSilence(): boolean {
    const { by, at } = this.plan.ending;
    const left = this.#side(by);
    const noticed = () => left.sessions.every((session) => session.ended !== undefined);
    const past = () => this.network.clock.now >= at;
    this.scenario.runUntil(() => past() && noticed(), `${by} to notice that it is alone`);
    return false;
  }

  /** No association is left, and no message waits to be read. */
  get #isOver(): boolean {
    for (const { host, sessions } of [this.client, this.server]) {
      if (!host.isRunning) continue;
      const isOpen = ({ ended, association }: RunSession) =>
        ended === undefined || ended !== "replaced" && association.readableBytes > 0;
      if (sessions.some(isOpen)) return false;
    }
    return true;
  }

  /** Nothing wrong was received, and each end has a reason that the plan explains. */
  #checkReasons(): void {
    for (const { side, sessions } of [this.client, this.server]) {
      for (const session of sessions) {
        if (session.wrong) throw new Error(`${side}: ${session.wrong}`);
        const { ended } = session;
        if (typeof ended !== "object") continue;
        if (!this.#explains(side, ended)) {
          throw new Error(`${side} session ${session.number} ended with ${JSON.stringify(ended)}`);
        }
      }
    }
  }

  /** After a graceful end nothing is missing of which its sender was not told. */
  #checkGivenUp(): void {
    const [mine, theirs] = [this.client.latest, this.server.latest];
    if (mine?.ended !== "shutdown" || theirs?.ended !== "shutdown" || !this.#delivered) return;
    const wrong = mine.wrongAtEnd(theirs) ?? theirs.wrongAtEnd(mine);
    if (wrong) throw new Error(wrong);
  }

  #explains(side: Side, reason: LossReason): boolean {
    const { ending, restart } = this.plan;
    const abort = ending.kind === "abort";
    switch (reason.kind) {
      case "unreachable":
        return !mustSucceed(this.plan) || reason.during === "shutdown" && this.#guardRanOut;
      case "aborted-locally":
        return abort && ending.by === side;
      case "aborted-by-peer":
        return abort && ending.by !== side || restart !== undefined || !mustSucceed(this.plan) ||
          this.#guardRanOut;
      default:
        return false;
    }
  }

  /** Associations, engine memory, packets and timers are as they were before. */
  #checkNothingLeft(): void {
    for (const { side, host } of [this.client, this.server]) {
      if (!host.isRunning) continue;
      const endpoint = host.handler;
      const left = [...endpoint.associations].map(({ state }) => state);
      if (left.length > 0) throw new Error(`${side} has associations left: ${left}`);
      if (endpoint.bufferedMemory !== 0) {
        throw new Error(`${side} holds ${endpoint.bufferedMemory} bytes`);
      }
      if (endpoint.pollTimeout() !== NEVER) throw new Error(`${side} has a timer left`);
      const { dropped } = host.statistics;
      const lacksAddress = this.plan.addressLosses.some((lost) => lost.side === side);
      if (dropped["bad-source"] > 0 && !lacksAddress) {
        throw new Error(`${side} sent from an address it has not`);
      }
    }
    this.scenario.runUntilQuiet();
    if (this.network.pool.lent > 0) throw new Error(`${this.network.pool.lent} packets left`);
  }
}
