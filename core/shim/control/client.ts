/** Asking a running daemon by its control socket. */
import { LineBuffer } from "./lines.ts";
import { ControlFault, formatRequest, MAX_ANSWER, parseAnswer } from "./protocol.ts";

/** One connection to a daemon: a request at a time. */
export class ControlClient implements Disposable {
  readonly #conn: Deno.Conn;
  readonly #lines = new LineBuffer(MAX_ANSWER);
  readonly #waiting: string[] = [];
  readonly #buffer = new Uint8Array(64 * 1024);
  #nextId = 1;

  private constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** Connects; `undefined` where no daemon listens. Rejects if this user may not. */
  static async connect(path: string): Promise<ControlClient | undefined> {
    try {
      return new ControlClient(await Deno.connect({ transport: "unix", path }));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      if (error instanceof Deno.errors.ConnectionRefused) return undefined;
      throw error;
    }
  }

  /**
   * Sends a request and returns its result, or what went wrong with it.
   * Rejects if the daemon goes away meanwhile.
   */
  async request(kind: string, fields: object = {}): Promise<unknown> {
    const bytes = new TextEncoder().encode(formatRequest(this.#nextId++, kind, fields));
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
    const answer = parseAnswer(await this.#line());
    return answer instanceof ControlFault ? answer : answer.result;
  }

  close(): void {
    this.#conn.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #line(): Promise<string> {
    for (;;) {
      const line = this.#waiting.shift();
      if (line !== undefined) return line;
      const count = await this.#conn.read(this.#buffer);
      if (count === null) throw new Error("the daemon ended without an answer");
      const lines = this.#lines.push(this.#buffer.subarray(0, count));
      if (!lines) throw new Error("the daemon's answer is too long");
      this.#waiting.push(...lines);
    }
  }
}
