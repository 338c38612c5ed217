/** Hands notifications to everybody who listens, and to nobody what nobody wants. */

/** Something that is told. */
export interface Told {
  readonly kind: string;
}

/** Notifications kept for a listener that does not keep up. */
export const BACKLOG = 1024;

/** Who listens. */
interface Listener<Event extends Told> {
  wants(kind: Event["kind"]): boolean;
  push(event: Event): void;
  finish(last: Event | undefined): void;
}

/** How a notifier is made. */
export interface NotifierOptions<Event extends Told> {
  /** What a listener is told that has not kept up: nothing follows but the end. */
  readonly stopped: Event;
  /** Kinds that cost something, and come only to those who ask for them. */
  readonly onDemand?: readonly Event["kind"][];
  /** Called when {@link Notifier.wants} may have changed. */
  readonly onChange?: () => void;
}

export class Notifier<Event extends Told> implements AsyncIterable<Event> {
  readonly #listeners = new Set<Listener<Event>>();
  readonly #stopped: Event;
  readonly #onDemand: Set<Event["kind"]>;
  readonly #onChange: () => void;
  #last: { readonly event: Event | undefined } | undefined;

  constructor({ stopped, onDemand = [], onChange = () => {} }: NotifierOptions<Event>) {
    this.#stopped = stopped;
    this.#onDemand = new Set(onDemand);
    this.#onChange = onChange;
  }

  /** True if somebody wants to be told of this kind: otherwise it need not even be made. */
  wants(kind: Event["kind"]): boolean {
    for (const listener of this.#listeners) if (listener.wants(kind)) return true;
    return false;
  }

  /** Somebody to whom events are forwarded wants others than before. */
  reconsider(): void {
    this.#onChange();
  }

  /** Whether a kind comes to everybody who iterates, or only to those who ask for it. */
  setOnDemand(kind: Event["kind"], onDemand: boolean): void {
    if (onDemand) this.#onDemand.add(kind);
    else this.#onDemand.delete(kind);
    this.#onChange();
  }

  /** Reports an event. */
  emit(event: Event): void {
    for (const listener of this.#listeners) if (listener.wants(event.kind)) listener.push(event);
  }

  /** Reports the last event, if there is one: nothing follows. */
  end(event?: Event): void {
    this.#last = { event };
    for (const listener of this.#listeners) listener.finish(event);
  }

  /** Events of these kinds from now on, for as long as the subscription is not closed. */
  subscribe(kinds: Iterable<Event["kind"]> = []): Subscription<Event> {
    return this.#add(new Set(kinds));
  }

  /** Events that are not on demand, from now on; the last one also comes to those who begin afterwards. */
  [Symbol.asyncIterator](): Subscription<Event> {
    return this.#add(undefined);
  }

  /**
   * Hands each event on as it comes; what is kept is the callee's affair.
   * @param wants whether the callee wants a kind; asked each time.
   */
  forward(wants: (kind: Event["kind"]) => boolean, push: (event: Event) => void): void {
    const finish = (last: Event | undefined) => {
      if (last) push(last);
    };
    const isWanted = (kind: Event["kind"]) => !this.#onDemand.has(kind) && wants(kind);
    this.#listeners.add({ wants: isWanted, push, finish });
    this.#onChange();
  }

  #add(kinds: Set<Event["kind"]> | undefined): Subscription<Event> {
    const subscription = new Subscription<Event>({
      stopped: this.#stopped,
      kinds,
      onDemand: this.#onDemand,
      changed: this.#onChange,
      leave: () => {
        this.#listeners.delete(subscription);
        this.#onChange();
      },
    });
    this.#listeners.add(subscription);
    if (this.#last) subscription.finish(this.#last.event);
    this.#onChange();
    return subscription;
  }
}

interface SubscriptionOptions<Event extends Told> {
  readonly stopped: Event;
  /** Undefined for all that are not on demand. */
  readonly kinds: Set<Event["kind"]> | undefined;
  readonly onDemand: ReadonlySet<Event["kind"]>;
  readonly changed: () => void;
  readonly leave: () => void;
}

/** The notifications of one listener. */
export class Subscription<Event extends Told> implements AsyncIterableIterator<Event> {
  readonly #options: SubscriptionOptions<Event>;
  readonly #events: Event[] = [];
  readonly #waiting: PromiseWithResolvers<IteratorResult<Event>>[] = [];
  #isStopped = false;
  #over = false;

  constructor(options: SubscriptionOptions<Event>) {
    this.#options = options;
  }

  wants(kind: Event["kind"]): boolean {
    const { kinds, onDemand } = this.#options;
    if (this.#isStopped || this.#over) return false;
    return kinds ? kinds.has(kind) : !onDemand.has(kind);
  }

  /** Wants a kind, or no longer. A subscription that was stopped starts again with this. */
  set(kind: Event["kind"], wanted: boolean): void {
    const { kinds, changed } = this.#options;
    if (this.#isStopped) kinds?.clear();
    this.#isStopped = false;
    if (wanted) kinds?.add(kind);
    else kinds?.delete(kind);
    changed();
  }

  /** It did not keep up, and nothing comes any more. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** The one that is taken next, if there is one. */
  get first(): Event | undefined {
    return this.#events[0];
  }

  /** Takes one, if there is one. */
  take(): Event | undefined {
    return this.#events.shift();
  }

  push(event: Event): void {
    const waiting = this.#waiting.shift();
    if (waiting) return waiting.resolve({ done: false, value: event });
    this.#events.push(event);
    if (this.#events.length < BACKLOG || this.#isStopped) return;
    this.#events.push(this.#options.stopped);
    this.#isStopped = true;
    this.#options.changed();
  }

  finish(last: Event | undefined): void {
    const { kinds } = this.#options;
    if (last !== undefined && (!kinds || kinds.has(last.kind))) this.push(last);
    this.#end();
  }

  next(): Promise<IteratorResult<Event>> {
    const event = this.#events.shift();
    if (event) return Promise.resolve({ done: false, value: event });
    if (this.#over) return Promise.resolve({ done: true, value: undefined });
    const waiting = Promise.withResolvers<IteratorResult<Event>>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  return(): Promise<IteratorResult<Event>> {
    this.#events.length = 0;
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(): void {
    this.#over = true;
    this.#options.leave();
    for (const waiting of this.#waiting.splice(0)) {
      waiting.resolve({ done: true, value: undefined });
    }
  }
}
