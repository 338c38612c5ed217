/** Options about messages: what they are sent with, how they are cut, what is told about them. */
import { limitChunks } from "../../sctp/procedures/retune.ts";
import { ABANDON_POLICIES, checkReliability } from "../../sctp/tx/partial_reliability.ts";
import { SctpError } from "../errors.ts";
import type { PrInfo } from "../reliability.ts";
import { NOTIFICATION_TYPES } from "./events.ts";
import {
  DEFAULT_FLAGS,
  type DefaultSndInfo,
  type InterleaveLevel,
  type MessageSettings,
} from "./message_settings.ts";
import { type NoKey, type OptionLevel, type OptionRow, row } from "./row.ts";
import { flag, list, oneOf, partial, type Shape, structure, whole } from "./shape.ts";

const word = whole(0, 0xffff_ffff);
const stream = whole(0, 0xffff);
const LARGEST_CHUNK = 65_535;
const LONGEST_LINGER = 65_535;
const policy = oneOf("none", ...ABANDON_POLICIES);

/** One of the settings that a socket keeps for each association. */
function settingRow<Name extends keyof MessageSettings>(
  source: string,
  help: string,
  level: OptionLevel,
  name: Name,
  input: Shape<MessageSettings[Name]>,
): OptionRow<MessageSettings[Name], MessageSettings[Name], NoKey> {
  return row(source, help, {
    level,
    input,
    association: {
      get: ({ settings }) => settings[name],
      set: ({ settings }, value) => {
        settings[name] = value;
      },
    },
    future: {
      get: ({ future }) => future.messages[name],
      set: ({ future }, value) => {
        future.messages[name] = value;
      },
    },
  });
}

export const MESSAGE_ROWS = {
  SCTP_DEFAULT_SNDINFO: row(
    "RFC 6458, section 8.1.31",
    "Stream, flags, payload protocol and context of messages that are sent without; what is left out " +
      "keeps its value.",
    {
      level: "any",
      input: partial({
        sid: stream,
        flags: list(oneOf(...DEFAULT_FLAGS)),
        ppid: word,
        context: word,
      }),
      association: {
        get: ({ settings }): DefaultSndInfo => settings.sndinfo,
        set({ settings }, value) {
          settings.sndinfo = { ...settings.sndinfo, ...value };
        },
      },
      future: {
        get: ({ future }) => future.messages.sndinfo,
        set({ future: { messages } }, value) {
          messages.sndinfo = { ...messages.sndinfo, ...value };
        },
      },
    },
  ),
  SCTP_DEFAULT_PRINFO: row(
    "RFC 6458, section 8.1.32",
    "When messages that are sent without a policy are given up.",
    {
      level: "any",
      input: structure({ policy }, { value: word }),
      association: {
        get: ({ reliability }): PrInfo => reliability.default,
        set({ reliability }, value) {
          reliability.default = prinfoOf(value);
        },
      },
      future: {
        get: ({ future }) => future.prinfo,
        set({ future }, value) {
          future.prinfo = prinfoOf(value);
        },
      },
    },
  ),
  SCTP_CONTEXT: settingRow(
    "RFC 6458, section 8.1.25",
    "A number that comes back in the RCVINFO of each message of the peer.",
    "any",
    "context",
    word,
  ),
  SCTP_DISABLE_FRAGMENTS: settingRow(
    "RFC 6458, section 8.1.11",
    "Refuses messages that do not fit a packet, rather than cutting them.",
    "socket",
    "disableFragments",
    flag,
  ),
  SCTP_MAXSEG: row(
    "RFC 6458, section 8.1.16",
    "Bytes of user data in a chunk at most; 0 for what fits the path MTU.",
    {
      level: "association or future",
      input: whole(0, LARGEST_CHUNK, "bytes"),
      association: {
        get({ association: { tx: { maximumPayload } } }) {
          return maximumPayload === Infinity ? 0 : maximumPayload;
        },
        set: ({ association }, value) => limitChunks(association, value || Infinity),
      },
      future: {
        get: ({ future }) => future.maximumSegment,
        set({ future }, value) {
          future.maximumSegment = value;
        },
      },
    },
  ),
  SCTP_EXPLICIT_EOR: settingRow(
    "RFC 6458, section 8.1.26",
    "Lets `sendv` take a message in parts: it ends with the flag SCTP_EOR, and leaves then.",
    "socket",
    "explicitEor",
    flag,
  ),
  SCTP_FRAGMENT_INTERLEAVE: row(
    "RFC 6458, section 8.1.20",
    "Whether parts of a message that `recvv` gives may have others in between: 0 none, 1 of other " +
      "associations, 2 of other streams too, which needs SCTP_RECVRCVINFO.",
    {
      level: "socket",
      input: whole(0, 2),
      association: {
        get: ({ settings }): InterleaveLevel => settings.fragmentInterleave,
        set({ settings, association }, value) {
          settings.fragmentInterleave = levelFor(value, settings, association.interleaves);
        },
      },
      future: {
        get: ({ future }) => future.messages.fragmentInterleave,
        set({ future }, value) {
          const level = levelFor(value, future.messages, future.parameters.interleaving === 1);
          future.retune({ fragmentInterleave: level });
          future.messages.fragmentInterleave = level;
        },
      },
    },
  ),
  SCTP_RECVRCVINFO: settingRow(
    "RFC 6458, section 8.1.29",
    "Has `recvv` tell about each message that it gives (RCVINFO).",
    "socket",
    "recvRcvInfo",
    flag,
  ),
  SCTP_RECVNXTINFO: settingRow(
    "RFC 6458, section 8.1.30",
    "Has `recvv` tell about what it gives next (NXTINFO).",
    "socket",
    "recvNxtInfo",
    flag,
  ),
  SO_LINGER: row(
    "RFC 6458, section 8.1.4",
    "How long closing waits for the peer: 0 seconds abort at once, with on: false it waits as long as it " +
      "takes.",
    {
      level: "socket",
      input: structure({ on: flag }, { seconds: whole(0, LONGEST_LINGER, "s") }),
      association: {
        get: ({ settings }) => lingerOf(settings),
        set({ settings }, { on, seconds = 0 }) {
          settings.linger = on ? seconds : undefined;
        },
      },
      future: {
        get: ({ future }) => lingerOf(future.messages),
        set({ future }, { on, seconds = 0 }) {
          future.messages.linger = on ? seconds : undefined;
        },
      },
    },
  ),
  SCTP_EVENT: row(
    "RFC 6458, sections 6.2.2 and 8.1.28",
    "Has `recvv` give notifications of a type; none at first.",
    {
      level: "any",
      key: structure({ type: oneOf(...NOTIFICATION_TYPES) }),
      input: structure({ type: oneOf(...NOTIFICATION_TYPES), on: flag }),
      association: {
        get: ({ notifications }, { type }) => ({ type, on: notifications.has(type) }),
        set: ({ notifications }, { type, on }) => notifications.set(type, on),
      },
      future: {
        get: ({ future }, { type }) => ({ type, on: future.events.has(type) }),
        set({ future }, { type, on }) {
          if (on) future.events.add(type);
          else future.events.delete(type);
        },
      },
    },
  ),
};

function prinfoOf({ policy, value = 0 }: { policy: PrInfo["policy"]; value?: number }): PrInfo {
  if (policy === "none") return { policy };
  const fault = checkReliability({ policy, value });
  if (fault) throw new RangeError(`SCTP_DEFAULT_PRINFO: ${fault}`);
  return { policy, value };
}

function lingerOf({ linger }: MessageSettings): { readonly on: boolean; readonly seconds: number } {
  return { on: linger !== undefined, seconds: linger ?? 0 };
}

/** @throws SctpError if the reader could not tell parts of different messages apart. */
function levelFor(
  value: number,
  { recvRcvInfo }: MessageSettings,
  interleaves: boolean,
): InterleaveLevel {
  if (value === 2 && !recvRcvInfo) {
    throw new SctpError(
      "ERR_SCTP_OPTION_STATE",
      "SCTP_FRAGMENT_INTERLEAVE 2 needs SCTP_RECVRCVINFO: switch that on first",
    );
  }
  if (value < 2 && interleaves) {
    throw new SctpError(
      "ERR_SCTP_OPTION_STATE",
      `SCTP_FRAGMENT_INTERLEAVE cannot be ${value} with SCTP_INTERLEAVING_SUPPORTED`,
    );
  }
  return value as InterleaveLevel;
}
