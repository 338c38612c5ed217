/** Waiting for what a connection tells. */
import type { SctpConnection } from "../connection.ts";
import type { ConnectionEvent } from "../notifications.ts";

/** Does something, and gives the next event of a kind that a connection is told. */
export async function told<Kind extends ConnectionEvent["kind"]>(
  connection: SctpConnection,
  kind: Kind,
  cause: () => void = () => {},
): Promise<Extract<ConnectionEvent, { kind: Kind }>> {
  const events = connection.events[Symbol.asyncIterator]();
  cause();
  for (;;) {
    const { value, done } = await events.next();
    if (done) throw new Error(`no ${kind} before the end`);
    if (value.kind === kind) return value as Extract<ConnectionEvent, { kind: Kind }>;
  }
}
