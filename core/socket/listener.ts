/** Associations that peers ask for, as a `Deno.Listener` hands out connections. */
import type { Channel } from "./channel.ts";
import { SctpConnection } from "./connection.ts";
import type { ConnectionOptions, WhereArguments } from "./connection_types.ts";
import { SctpError } from "./errors.ts";
import type { Inheritance } from "./inheritance.ts";
import { getOption, type OptionScopes, setOption } from "./options/access.ts";
import type { OptionInput, OptionKey, OptionName, OptionValue } from "./options/table.ts";

/** What a listener does with its stack. */
export interface ListenerOptions extends ConnectionOptions {
  /** Associations that may wait for {@link SctpListener.accept}; those beyond it are aborted. */
  readonly backlog?: number;
}

/** Associations that wait unless a listener is told otherwise. */
const BACKLOG = 128;

/** An association that nobody has accepted yet. */
interface Waiting {
  readonly channel: Channel;
  readonly connection: SctpConnection;
}

type Accepting = PromiseWithResolvers<SctpConnection>;

/** Accepts associations on one SCTP port; iterate over it, or call {@link accept}. */
export class SctpListener implements AsyncIterable<SctpConnection>, Disposable {
  readonly #options: ListenerOptions;
  readonly #stop: () => void;
  readonly #inheritance: Inheritance;
  readonly #waiting: Waiting[] = [];
  readonly #accepting: Accepting[] = [];
  #failure: Error | undefined;

  /** Listeners come from `SctpStack.listen`. */
  constructor(
    /** The SCTP port. */
    readonly port: number,
    options: ListenerOptions,
    inheritance: Inheritance,
    stop: () => void,
  ) {
    this.#options = options;
    this.#inheritance = inheritance;
    this.#stop = stop;
  }

  /**
   * The next association that has come up.
   * @throws SctpError `ERR_SCTP_CLOSED` once the listener is closed.
   */
  accept(): Promise<SctpConnection> {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      const { channel, connection } = next;
      if (!channel.end || channel.association.readableBytes > 0) return Promise.resolve(connection);
    }
    if (this.#failure) return Promise.reject(this.#failure);
    const accepting = Promise.withResolvers<SctpConnection>();
    this.#accepting.push(accepting);
    return accepting.promise;
  }

  /**
   * Reads a socket option of the associations to come.
   * @throws as {@link SctpConnection.getOption}.
   */
  getOption<Name extends OptionName>(
    name: Name,
    ...[where]: WhereArguments<OptionKey<Name>>
  ): OptionValue<Name> {
    return getOption(this.#scopes, name, (where ?? {}) as OptionKey<Name>, {});
  }

  /**
   * Sets a socket option of the associations to come; those that wait to be accepted are as they are.
   * @throws as {@link SctpConnection.setOption}.
   */
  setOption<Name extends OptionName>(name: Name, value: OptionInput<Name>): void {
    setOption(this.#scopes, name, value, {});
  }

  get #scopes(): OptionScopes {
    return { style: "listener", future: this.#inheritance };
  }

  /** Stops listening. Associations that nobody has accepted are aborted; accepted ones go on. */
  close(): void {
    const words = `the listener on SCTP port ${this.port} is closed`;
    this.fail(new SctpError("ERR_SCTP_CLOSED", words));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Associations until the listener is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<SctpConnection, void, void> {
    for (;;) {
      try {
        yield await this.accept();
      } catch (error) {
        if (error instanceof SctpError && error.code === "ERR_SCTP_CLOSED") return;
        throw error;
      }
    }
  }

  /** Takes an association that a peer has set up. */
  handleIncoming(channel: Channel): void {
    const accepting = this.#accepting.shift();
    if (!accepting && this.#waiting.length >= (this.#options.backlog ?? BACKLOG)) {
      channel.abort("too many associations wait to be accepted");
      return;
    }
    const connection = new SctpConnection(channel, this.#options, this.#inheritance);
    if (accepting) accepting.resolve(connection);
    else this.#waiting.push({ channel, connection });
  }

  /** Stops listening; whoever waits in {@link accept} gets the error. */
  fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#stop();
    for (const { channel } of this.#waiting.splice(0)) {
      channel.abort("nobody accepts associations here");
    }
    for (const accepting of this.#accepting.splice(0)) accepting.reject(error);
  }
}
