/** Options about when an address of the peer has failed, or may have (RFC 7829). */
import { PARAMETERS, type Parameters } from "../../sctp/parameters.ts";
import { changeEach, pathTo } from "./path_rows.ts";
import { row } from "./row.ts";
import { address, flag, partial, whole } from "./shape.ts";

const { pathMaxRetrans, potentiallyFailedMaxRetrans, primarySwitchoverMaxRetrans } = PARAMETERS;

export const THRESHOLD_ROWS = {
  SCTP_PEER_ADDR_THLDS: row(
    "RFC 7829, section 7.2",
    "After how many time-outs in a row an address of the peer, or each, has potentially failed, and is " +
      "unreachable, and another path becomes the primary one for good: 65,535 for never.",
    {
      level: "association or future",
      key: partial({ address }),
      input: partial({
        address,
        pathMaxRetrans: whole(0, pathMaxRetrans.maximum, "attempts"),
        potentiallyFailed: whole(0, potentiallyFailedMaxRetrans.maximum, "attempts"),
        primarySwitchover: whole(0, primarySwitchoverMaxRetrans.maximum, "attempts"),
      }),
      output: "{ pathMaxRetrans; potentiallyFailed; primarySwitchover }",
      association: {
        get: ({ association }, key) => thresholdsOf(pathTo(association, key.address).parameters),
        set(scope, value) {
          const changes = thresholdChanges(value);
          changeEach(scope, value.address, changes);
        },
      },
      future: {
        get: ({ future }) => thresholdsOf(future.parameters),
        set: ({ future }, value) => future.retune(thresholdChanges(value)),
      },
    },
  ),
  SCTP_EXPOSE_POTENTIALLY_FAILED_STATE: row(
    "RFC 7829, section 7.3",
    "Whether SCTP_PEER_ADDR_CHANGE and SCTP_GET_PEER_ADDR_INFO show that an address may have failed.",
    {
      level: "association or future",
      input: flag,
      association: {
        get: ({ settings }) => settings.exposePotentiallyFailed,
        set: (scope, value) => scope.exposePotentiallyFailed(value),
      },
      future: {
        get: ({ future }) => future.messages.exposePotentiallyFailed,
        set: ({ future }, value) => {
          future.messages.exposePotentiallyFailed = value;
        },
      },
    },
  ),
};

interface Thresholds {
  readonly pathMaxRetrans?: number;
  readonly potentiallyFailed?: number;
  readonly primarySwitchover?: number;
}

function thresholdsOf(parameters: Parameters): Required<Thresholds> {
  return {
    pathMaxRetrans: parameters.pathMaxRetrans,
    potentiallyFailed: parameters.potentiallyFailedMaxRetrans,
    primarySwitchover: parameters.primarySwitchoverMaxRetrans,
  };
}

function thresholdChanges(value: Thresholds): Partial<Parameters> {
  const { pathMaxRetrans, potentiallyFailed, primarySwitchover } = value;
  return {
    ...(pathMaxRetrans !== undefined && { pathMaxRetrans }),
    ...(potentiallyFailed !== undefined && { potentiallyFailedMaxRetrans: potentiallyFailed }),
    ...(primarySwitchover !== undefined && { primarySwitchoverMaxRetrans: primarySwitchover }),
  };
}
