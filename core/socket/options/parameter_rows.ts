/** Options that are views of the engine's protocol parameters. */
import { type ParameterName, PARAMETERS, type Parameters } from "../../sctp/parameters.ts";
import { changeParameters } from "../../sctp/procedures/retune.ts";
import { type OptionLevel, type OptionRow, row } from "./row.ts";
import type { AssociationScope, FutureScope } from "./scope.ts";
import { flag, partial, type Shape, whole } from "./shape.ts";

/** A whole number within the range of a parameter. */
export function ranged(name: ParameterName): Shape<number> {
  const { minimum, maximum, unit } = PARAMETERS[name];
  return whole(minimum, maximum, unit);
}

/** Has an association go by other parameters. */
export function retune(scope: AssociationScope, changes: Partial<Parameters>): void {
  changeParameters(scope.association, scope.driver.now(), changes);
  scope.driver.flush();
}

/** Handlers for an option that reads from parameters and turns into changes of them. */
function byParameters<Value, Input>(
  read: (parameters: Parameters) => Value,
  changes: (value: Input) => Partial<Parameters>,
) {
  return {
    association: {
      get: ({ association }: AssociationScope) => read(association.parameters),
      set: (scope: AssociationScope, value: Input) => retune(scope, changes(value)),
    },
    future: {
      get: ({ future }: FutureScope) => read(future.parameters),
      set: ({ future }: FutureScope, value: Input) => future.retune(changes(value)),
    },
  };
}

/** The fields that are to change: one that is left out, or 0 where the RFC says so, keeps its value. */
function changed(fields: { readonly [Name in ParameterName]?: number }): Partial<Parameters> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== 0),
  );
}

/** One parameter that is a number. */
function numberRow(
  source: string,
  help: string,
  level: OptionLevel,
  name: ParameterName,
): OptionRow<number, number, Readonly<Record<never, never>>> {
  return row(source, help, {
    level,
    input: ranged(name),
    ...byParameters(({ [name]: value }) => value, (value: number) => ({ [name]: value })),
  });
}

/** One parameter that is a switch. */
function switchRow(
  source: string,
  help: string,
  level: OptionLevel,
  name: ParameterName,
): OptionRow<boolean, boolean, Readonly<Record<never, never>>> {
  return row(source, help, {
    level,
    input: flag,
    ...byParameters(
      ({ [name]: value }) => value === 1,
      (value: boolean) => ({ [name]: Number(value) }),
    ),
  });
}

const { rtoMax, sackDelay } = PARAMETERS;

export const PARAMETER_ROWS = {
  SCTP_RTOINFO: row(
    "RFC 6458, section 8.1.1",
    "Bounds of the retransmission time-out, and where it starts; 0 leaves a field as it is.",
    {
      level: "association or future",
      input: partial({
        initial: whole(0, PARAMETERS.rtoInitial.maximum, "ms"),
        max: whole(0, rtoMax.maximum, "ms"),
        min: whole(0, PARAMETERS.rtoMin.maximum, "ms"),
      }),
      ...byParameters(
        ({ rtoInitial, rtoMax, rtoMin }) => ({ initial: rtoInitial, max: rtoMax, min: rtoMin }),
        ({ initial, max, min }: { initial?: number; max?: number; min?: number }) =>
          changed({ rtoInitial: initial, rtoMax: max, rtoMin: min }),
      ),
    },
  ),
  SCTP_NODELAY: switchRow(
    "RFC 6458, section 8.1.5",
    "Sends small messages at once, without Nagle's delay.",
    "socket",
    "noDelay",
  ),
  SO_RCVBUF: numberRow(
    "RFC 6458, section 8.1.6",
    "Bytes that an association may receive and not have read: its receive window.",
    "socket",
    "receiveBuffer",
  ),
  SO_SNDBUF: numberRow(
    "RFC 6458, section 8.1.7",
    "Bytes that an association takes for sending: also those of the longest message.",
    "socket",
    "sendBuffer",
  ),
  SCTP_DELAYED_SACK: row(
    "RFC 6458, section 8.1.19",
    "How long, and for how many packets, a SACK may wait; 0 leaves a field as it is.",
    {
      level: "any",
      input: partial({
        delay: whole(0, sackDelay.maximum, "ms"),
        frequency: whole(0, PARAMETERS.sackFrequency.maximum, "packets"),
      }),
      ...byParameters(
        ({ sackDelay, sackFrequency }) => ({ delay: sackDelay, frequency: sackFrequency }),
        ({ delay, frequency }: { delay?: number; frequency?: number }) =>
          changed({ sackDelay: delay, sackFrequency: frequency }),
      ),
    },
  ),
  SCTP_PARTIAL_DELIVERY_POINT: row(
    "RFC 6458, section 8.1.21",
    "Bytes of a message from which on it is handed over before it is whole; no more than SO_RCVBUF.",
    {
      level: "socket",
      input: ranged("partialDeliveryPoint"),
      association: {
        get: ({ association }) => association.parameters.partialDeliveryPoint,
        set: (scope, value) => retune(scope, pointWithin(scope.association.parameters, value)),
      },
      future: {
        get: ({ future }) => future.parameters.partialDeliveryPoint,
        set: ({ future }, value) => future.retune(pointWithin(future.parameters, value)),
      },
    },
  ),
  SCTP_MAX_BURST: numberRow(
    "RFC 6458, section 8.1.24",
    "Packets that leave at once at most; 0 for no limit but the congestion window.",
    "any",
    "maxBurst",
  ),
  SCTP_ENABLE_STREAM_RESET: row(
    "RFC 6525, section 6.3.1",
    "Which changes of streams the peer may ask for: resets of streams, of the association, more streams.",
    {
      level: "any",
      input: partial({ resetStreams: flag, resetAssociation: flag, changeAssociation: flag }),
      ...byParameters(
        ({ acceptStreamReset, acceptAssociationReset, acceptStreamAddition }) => ({
          resetStreams: acceptStreamReset === 1,
          resetAssociation: acceptAssociationReset === 1,
          changeAssociation: acceptStreamAddition === 1,
        }),
        ({ resetStreams, resetAssociation, changeAssociation }: ResetSwitches) => ({
          ...(resetStreams !== undefined && { acceptStreamReset: Number(resetStreams) }),
          ...(resetAssociation !== undefined && {
            acceptAssociationReset: Number(resetAssociation),
          }),
          ...(changeAssociation !== undefined && {
            acceptStreamAddition: Number(changeAssociation),
          }),
        }),
      ),
    },
  ),
};

interface ResetSwitches {
  readonly resetStreams?: boolean;
  readonly resetAssociation?: boolean;
  readonly changeAssociation?: boolean;
}

/** @throws RangeError if a message could never get so long before it is handed over. */
function pointWithin(
  { receiveBuffer }: Parameters,
  partialDeliveryPoint: number,
): Partial<Parameters> {
  if (partialDeliveryPoint <= receiveBuffer) return { partialDeliveryPoint };
  throw new RangeError(
    `SCTP_PARTIAL_DELIVERY_POINT takes no more than SO_RCVBUF (${receiveBuffer} bytes), not ` +
      partialDeliveryPoint,
  );
}
