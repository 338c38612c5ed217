/** What an association takes over from the socket that it belongs to. */
import { limitChunks } from "../sctp/procedures/retune.ts";
import type { FutureSettings } from "./options/future.ts";
import type { AssociationScope } from "./options/scope.ts";

/** What a socket has set for its associations. */
export interface Inheritance {
  readonly future: FutureSettings;
  /** Has the engine be told of changes of the host's addresses. @throws RangeError without libc. */
  watchHost(): void;
}

/** Has an association go by what its socket has set, beside that with which it was set up. */
export function inherit(scope: AssociationScope, future: FutureSettings): void {
  const { association, streams, reliability, notifications } = scope;
  if (future.scheduler) streams.scheduler = future.scheduler;
  for (const [stream, value] of future.streamValues) streams.setValue(stream, value);
  if (future.maximumSegment > 0) limitChunks(association, future.maximumSegment);
  reliability.default = future.prinfo;
  scope.exposePotentiallyFailed(future.messages.exposePotentiallyFailed);
  for (const type of future.events) notifications.set(type, true);
}
