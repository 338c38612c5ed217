/** Options about how associations are set up, and what both sides agree on then. */
import { Extension } from "../../sctp/extensions.ts";
import { type ParameterName, PARAMETERS } from "../../sctp/parameters.ts";
import { SctpError } from "../errors.ts";
import { ranged, retune } from "./parameter_rows.ts";
import { type NoKey, type OptionRow, row } from "./row.ts";
import type { AssociationScope } from "./scope.ts";
import { flag, partial, whole } from "./shape.ts";

/** An extension: whether it is offered to peers, and whether an association has it. */
function supportRow(
  source: string,
  help: string,
  name: ParameterName,
  has: (scope: AssociationScope) => boolean,
): OptionRow<boolean, boolean, NoKey> {
  return row(source, help, {
    level: "association or future",
    input: flag,
    association: { get: has },
    future: {
      get: ({ future }) => future.parameters[name] === 1,
      set: ({ future }, value) => future.retune({ [name]: Number(value) }),
    },
  });
}

const hasExtension = (bit: number) => ({ association }: AssociationScope) =>
  (association.extensions & bit) !== 0;

const { associationMaxRetrans, validCookieLife } = PARAMETERS;

export const SETUP_ROWS = {
  SCTP_ASSOCINFO: row(
    "RFC 6458, section 8.1.2",
    "Time-outs in a row that end an association and how long a cookie lives, which can be set (0 leaves " +
      "a field as it is); how many addresses the peer has, and both receive windows.",
    {
      level: "association or future",
      input: partial({
        maxRetrans: whole(0, associationMaxRetrans.maximum, "attempts"),
        cookieLife: whole(0, validCookieLife.maximum, "ms"),
      }),
      output: "{ maxRetrans; cookieLife; peerDestinations; peerWindow; localWindow }",
      association: {
        get({ association, addresses }) {
          const { parameters, tx, rx } = association;
          return {
            maxRetrans: parameters.associationMaxRetrans,
            cookieLife: parameters.validCookieLife,
            peerDestinations: addresses.peer.length,
            peerWindow: Math.max(0, tx.peerWindow),
            localWindow: rx?.announcedWindow ?? parameters.receiveBuffer,
          };
        },
        set: (scope, value) => retune(scope, associationChanges(value)),
      },
      future: {
        get: ({ future: { parameters } }) => ({
          maxRetrans: parameters.associationMaxRetrans,
          cookieLife: parameters.validCookieLife,
          peerDestinations: 0,
          peerWindow: 0,
          localWindow: parameters.receiveBuffer,
        }),
        set: ({ future }, value) => future.retune(associationChanges(value)),
      },
    },
  ),
  SCTP_INITMSG: row(
    "RFC 6458, sections 5.3.1 and 8.1.3",
    "Streams that are offered each way, and how often and how fast INIT is sent again; 0 leaves a field " +
      "as it is.",
    {
      level: "future",
      input: partial({
        outboundStreams: whole(0, PARAMETERS.outboundStreams.maximum, "streams"),
        maxInboundStreams: whole(0, PARAMETERS.inboundStreams.maximum, "streams"),
        maxAttempts: whole(0, PARAMETERS.maxInitRetransmits.maximum, "attempts"),
        maxTimeout: whole(0, PARAMETERS.maxInitTimeout.maximum, "ms"),
      }),
      future: {
        get: ({ future: { parameters } }) => ({
          outboundStreams: parameters.outboundStreams,
          maxInboundStreams: parameters.inboundStreams,
          maxAttempts: parameters.maxInitRetransmits,
          maxTimeout: parameters.maxInitTimeout,
        }),
        set({ future }, value) {
          const { outboundStreams = 0, maxInboundStreams = 0 } = value;
          const { maxAttempts = 0, maxTimeout = 0 } = value;
          future.retune({
            ...(outboundStreams > 0 && { outboundStreams }),
            ...(maxInboundStreams > 0 && { inboundStreams: maxInboundStreams }),
            ...(maxAttempts > 0 && { maxInitRetransmits: maxAttempts }),
            ...(maxTimeout > 0 && { maxInitTimeout: maxTimeout }),
          });
        },
      },
    },
  ),
  SCTP_ADAPTATION_LAYER: row(
    "RFC 6458, section 8.1.10",
    "What INIT and INIT ACK tell the peer about the upper layer; reading gives undefined if nothing.",
    {
      level: "future",
      input: whole(0, 0xffff_ffff),
      future: {
        get: ({ future }) => future.adaptationIndication,
        set: ({ future }, value) => {
          future.adaptationIndication = value;
        },
      },
    },
  ),
  SCTP_AUTO_ASCONF: row(
    "RFC 6458, section 8.1.23",
    "Adds and deletes addresses of associations as the host's come and go, where no addresses are named.",
    {
      level: "socket",
      input: flag,
      association: {
        get: ({ association }) => association.parameters.followAddresses === 1,
        set(scope, value) {
          if (value) scope.watchHost();
          retune(scope, { followAddresses: Number(value) });
        },
      },
      future: {
        get: ({ future }) => future.parameters.followAddresses === 1,
        set: ({ future }, value) => future.retune({ followAddresses: Number(value) }),
      },
    },
  ),
  SCTP_I_WANT_MAPPED_V4_ADDR: row(
    "RFC 6458, section 8.1.15",
    "Not applicable: addresses are text, those of IPv4 are never mapped; it is false and stays so.",
    {
      level: "socket",
      input: flag,
      association: { get: () => false, set: (_, value) => refuseMapping(value) },
      future: { get: () => false, set: (_, value) => refuseMapping(value) },
    },
  ),
  SCTP_REUSE_PORT: row(
    "RFC 6458, section 8.1.27",
    "Connections may share a port with each other and with one listener: it is true and stays so.",
    {
      level: "socket",
      style: "one-to-one",
      input: flag,
      association: { get: () => true, set: (_, value) => refuseExclusion(value) },
      future: { get: () => true, set: (_, value) => refuseExclusion(value) },
    },
  ),
  SCTP_PR_SUPPORTED: supportRow(
    "RFC 7496, section 4.5",
    "Partial reliability: messages may be given up.",
    "partialReliability",
    ({ reliability }) => reliability.isSupported,
  ),
  SCTP_INTERLEAVING_SUPPORTED: supportRow(
    "RFC 8260, section 4.3.1",
    "Interleaving of messages; needs SCTP_FRAGMENT_INTERLEAVE 2 first.",
    "interleaving",
    ({ streams }) => streams.interleaved,
  ),
  SCTP_AUTH_SUPPORTED: supportRow(
    "RFC 4895; an option of FreeBSD and Linux",
    "Authentication of chunks.",
    "authentication",
    hasExtension(Extension.Authentication),
  ),
  SCTP_ASCONF_SUPPORTED: supportRow(
    "RFC 5061; an option of FreeBSD and Linux",
    "Changes of addresses while an association lives.",
    "addressReconfiguration",
    hasExtension(Extension.AddressReconfiguration),
  ),
  SCTP_RECONFIG_SUPPORTED: supportRow(
    "RFC 6525; an option of FreeBSD and Linux",
    "Resets of streams, and more streams.",
    "streamReconfiguration",
    hasExtension(Extension.Reconfiguration),
  ),
  SCTP_NRSACK_SUPPORTED: supportRow(
    "draft-natarajan-tsvwg-sctp-nrsack; an option of FreeBSD",
    "Acknowledgement for good of what has arrived behind a gap.",
    "nonRenegableSack",
    hasExtension(Extension.NonRenegableSack),
  ),
  SCTP_ACCEPT_ZERO_CHECKSUM: row(
    "RFC 9653, section 7.1",
    "Takes packets without checksums: not to be had, as these sockets do not send inside DTLS.",
    {
      level: "association or future",
      input: flag,
      association: { get: hasExtension(Extension.ZeroChecksum) },
      future: { get: () => false, set: (_, value) => refuseZeroChecksum(value) },
    },
  ),
  SCTP_ECN_SUPPORTED: supportRow(
    "RFC 9260, section 3.3.2; an option of FreeBSD and Linux",
    "Explicit congestion notification.",
    "ecn",
    ({ association }) => association.ecnEnabled,
  ),
};

interface AssociationChanges {
  readonly maxRetrans?: number;
  readonly cookieLife?: number;
}

function associationChanges({ maxRetrans = 0, cookieLife = 0 }: AssociationChanges) {
  if (cookieLife > 0 && cookieLife < validCookieLife.minimum) {
    ranged("validCookieLife").check(cookieLife, "SCTP_ASSOCINFO.cookieLife");
  }
  return {
    ...(maxRetrans > 0 && { associationMaxRetrans: maxRetrans }),
    ...(cookieLife > 0 && { validCookieLife: cookieLife }),
  };
}

function refuseMapping(value: boolean): void {
  if (!value) return;
  throw new SctpError(
    "ERR_SCTP_OPTION_NOT_AVAILABLE",
    "SCTP_I_WANT_MAPPED_V4_ADDR cannot be switched on: addresses are text, and those of IPv4 are told " +
      "as such",
  );
}

function refuseExclusion(value: boolean): void {
  if (value) return;
  throw new SctpError(
    "ERR_SCTP_OPTION_NOT_AVAILABLE",
    "SCTP_REUSE_PORT cannot be switched off: connections of a stack may always share a port",
  );
}

function refuseZeroChecksum(value: boolean): void {
  if (!value) return;
  throw new SctpError(
    "ERR_SCTP_OPTION_NOT_AVAILABLE",
    "SCTP_ACCEPT_ZERO_CHECKSUM cannot be switched on: nothing but the checksum finds errors in packets " +
      "over UDP or IP; with DTLS below, use the engine (Endpoint)",
  );
}
