/** The associations of a one-to-many socket: which there are, whose turn it is, what they tell. */
import type { Channel } from "./channel.ts";
import type { SctpConnection } from "./connection.ts";
import { SctpError } from "./errors.ts";
import { IdleWatch } from "./idle_watch.ts";
import type { ConnectionEvent } from "./notifications.ts";
import { Notifier } from "./notifier.ts";
import { Signal } from "./queue.ts";
import type { NxtInfo } from "./vectors.ts";

/** A notification of one of the associations, or that a listener did not keep up with all of them. */
export type SocketEvent =
  | ({ readonly association: number } & Exclude<ConnectionEvent, NotificationsStopped>)
  | (NotificationsStopped & { readonly association?: undefined });

type NotificationsStopped = Extract<ConnectionEvent, { readonly kind: "notifications-stopped" }>;

/** What an association has. */
export interface MemberParts {
  readonly channel: Channel;
  readonly connection: SctpConnection;
}

/** One association. */
export interface Member extends MemberParts {
  readonly id: number;
  /** Its last notification was handed out. */
  over: boolean;
}

export class Members {
  readonly #members = new Map<number, Member>();
  /** Associations that may have something to be received, the one that waits longest first. */
  readonly #ready = new Set<number>();
  #idle: IdleWatch<number> | undefined;
  /** One of them may have something to be received, or there will be nothing any more. */
  readonly readable = new Signal();
  /** What all of them tell. */
  readonly events = new Notifier<SocketEvent>({
    stopped: { kind: "notifications-stopped" },
    onChange: () => this.all.forEach(({ channel }) => channel.events.reconsider()),
  });

  get all(): readonly Member[] {
    return [...this.#members.values()];
  }

  get ids(): readonly number[] {
    return [...this.#members.keys()];
  }

  /** True if `recvv` has given a part of a message of this association, and not its end. */
  isInMessage(id: number): boolean {
    return this.#members.get(id)?.connection.scope.receiver.isInMessage === true;
  }

  /** @throws RangeError if there is none of that number. */
  find(id: number | undefined): Member {
    const member = id === undefined ? undefined : this.#members.get(id);
    if (member) return member;
    const known = this.ids.join(", ") || "none";
    throw new RangeError(`there is no association ${id} on this socket; there are: ${known}`);
  }

  /** Seconds without user data after which an association is closed; 0 for never. */
  get autoClose(): number {
    return (this.#idle?.period ?? 0) / 1000;
  }

  set autoClose(seconds: number) {
    this.#idle?.stop();
    const close = (id: number) => this.#members.get(id)?.channel.shutdown();
    this.#idle = seconds > 0 ? new IdleWatch(seconds * 1000, close) : undefined;
    for (const id of this.ids) this.#idle?.touch(id);
  }

  /** An association sends or receives user data. */
  touch(id: number): void {
    this.#idle?.touch(id);
  }

  add({ channel, connection }: MemberParts): Member {
    const { id } = channel.association;
    const member: Member = { id, channel, connection, over: false };
    this.#members.set(id, member);
    this.#idle?.touch(id);
    void this.#watchInput(member);
    channel.events.forward((kind) => this.#wants(member, kind), (event) => {
      this.#handleEvent(member, event);
    });
    return member;
  }

  forget(id: number): void {
    this.#members.delete(id);
    this.#ready.delete(id);
    this.#idle?.forget(id);
  }

  /** Nothing follows any more. */
  finish(): void {
    this.#idle?.stop();
    this.events.end();
    this.readable.notify();
  }

  /**
   * What the first association has that has something; its next turn is the last one.
   * @param only the one whose turn it is, if there is one.
   */
  takeTurns<Taken>(
    take: (member: Member) => Taken | undefined,
    only?: number,
  ): Taken & { readonly association: number } | undefined {
    for (const association of only === undefined ? this.#ready : [only]) {
      this.#ready.delete(association);
      const member = this.#members.get(association);
      const taken = member && tryTo(() => take(member));
      if (member?.over && !taken) this.forget(association);
      if (!taken) continue;
      this.#ready.add(association);
      this.#idle?.touch(association);
      return { ...taken, association };
    }
    return undefined;
  }

  /** NXTINFO of any association: those that wait have their turn before `last`. */
  nextInfo(last: SctpConnection): NxtInfo | undefined {
    for (const id of this.#ready) {
      const found = this.#members.get(id)?.connection.scope.receiver.nextInfo();
      if (found) return found;
    }
    return last.scope.receiver.nextInfo();
  }

  async #watchInput(member: Member): Promise<void> {
    const { id, channel } = member;
    while (this.#members.get(id) === member) {
      this.#ready.add(id);
      this.readable.notify();
      if (channel.end) return;
      await channel.readable.wait();
    }
  }

  #wants(member: Member, kind: ConnectionEvent["kind"]): boolean {
    return this.#members.get(member.id) === member && this.events.wants(kind);
  }

  #handleEvent(member: Member, event: ConnectionEvent): void {
    const { id } = member;
    if (this.#members.get(id) !== member) return;
    if (event.kind !== "notifications-stopped") this.events.emit({ association: id, ...event });
    if (event.kind !== "closed") return;
    member.over = true;
    if (!leavesSomething(member)) this.forget(id);
  }
}

/** What has come before the end, and what tells of it, can still be received. */
function leavesSomething({ channel, connection: { scope } }: Member): boolean {
  return channel.association.readableBytes > 0 || scope.receiver.hasNotifications ||
    scope.notifications.has("SCTP_ASSOC_CHANGE");
}

/** What comes of it; nothing, if it ends the association, as "closed" tells. */
function tryTo<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof SctpError) return undefined;
    throw error;
  }
}
