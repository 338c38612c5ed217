/** Options about streams: how they take turns, and changes of them. */
import { STREAM_SCHEDULERS, type StreamSchedulerName } from "../../sctp/tx/stream_scheduler.ts";
import { DEFAULT_STREAM_SCHEDULER } from "../../sctp/tx/stream_scheduler.ts";
import { row } from "./row.ts";
import { flag, list, oneOf, partial, structure, whole } from "./shape.ts";

const SCHEDULERS = Object.keys(STREAM_SCHEDULERS) as StreamSchedulerName[];
const stream = whole(0, 0xffff);

export const STREAM_ROWS = {
  SCTP_STREAM_SCHEDULER: row(
    "RFC 8260, section 4.3.2",
    "How the streams take turns.",
    {
      level: "any",
      input: oneOf(...SCHEDULERS),
      association: {
        get: ({ streams }): StreamSchedulerName => streams.scheduler,
        set: ({ streams }, value) => {
          streams.scheduler = value;
        },
      },
      future: {
        get: ({ future }) => future.scheduler ?? DEFAULT_STREAM_SCHEDULER,
        set: ({ future }, value) => {
          future.scheduler = value;
        },
      },
    },
  ),
  SCTP_STREAM_SCHEDULER_VALUE: row(
    "RFC 8260, section 4.3.3",
    "Priority (0 is served first) or weight of a stream, for the schedulers that ask for it.",
    {
      level: "any",
      key: structure({ stream }),
      input: structure({ stream, value: whole(0, 0xffff) }),
      association: {
        get: ({ association }, { stream }) => ({
          stream,
          value: association.tx.queue.streamValue(stream),
        }),
        set: ({ streams }, { stream, value }) => streams.setValue(stream, value),
      },
      future: {
        get: ({ future }, { stream }) => ({
          stream,
          value: future.streamValues.get(stream) ?? 0,
        }),
        set: ({ future }, { stream, value }) => void future.streamValues.set(stream, value),
      },
    },
  ),
  SCTP_RESET_STREAMS: row(
    "RFC 6525, section 6.3.2",
    "Has streams of the directions that are named start again; all of them if none is listed.",
    {
      level: "association",
      input: structure({}, { incoming: flag, outgoing: flag, streams: list(stream) }),
      association: {
        set: ({ streams: control }, { incoming, outgoing, streams = [] }) =>
          control.reset({
            ...(incoming && { incoming: streams }),
            ...(outgoing && { outgoing: streams }),
          }),
      },
    },
  ),
  SCTP_RESET_ASSOC: row(
    "RFC 6525, section 6.3.3",
    "Has all numbers of the association start again.",
    {
      level: "association",
      input: structure({}),
      association: { set: ({ streams }) => streams.resetAll() },
    },
  ),
  SCTP_ADD_STREAMS: row(
    "RFC 6525, section 6.3.4",
    "Asks for more streams.",
    {
      level: "association",
      input: partial({ incoming: stream, outgoing: stream }),
      association: {
        set: ({ streams }, { incoming = 0, outgoing = 0 }) => streams.add(outgoing, incoming),
      },
    },
  ),
};
