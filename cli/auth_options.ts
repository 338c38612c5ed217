/** The options by which commands authenticate associations (RFC 4895). */
import { group, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { multiple, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { option } from "@optique/core/primitives";
import type { ValueParser } from "@optique/core/valueparser";
import type { AuthenticationOptions } from "../core/sctp/auth/options.ts";
import type { SharedKey } from "../core/sctp/auth/shared_keys.ts";
import { LISTABLE_CHUNKS } from "../core/sctp/wire/auth_parameters.ts";
import { chunkName } from "../core/sctp/wire/chunk_type.ts";
import { UsageError } from "./command.ts";
import { readKeyFile } from "./key_file.ts";

/** Where a shared key is, and what it is called. */
interface KeySource {
  readonly id: number;
  readonly file: string;
}

const MAX_KEY_ID = 0xffff;

/** `1:/etc/shimkit/key`. */
function keySource(): ValueParser<"sync", KeySource> {
  return {
    mode: "sync",
    metavar: "ID:FILE",
    placeholder: { id: 1, file: "key" },
    parse: (text) => {
      const [, digits = "", file = ""] = /^(\d{1,5}):(.+)$/.exec(text) ?? [];
      const id = digits === "" ? NaN : Number(digits);
      if (id >= 0 && id <= MAX_KEY_ID) return { success: true, value: { id, file } };
      return {
        success: false,
        error:
          message`Expected a key id from 0 to 65535 and a file, such as 1:/etc/shimkit/key, but got ${text}.`,
      };
    },
    format: ({ id, file }) => `${id}:${file}`,
  };
}

/** `COOKIE ECHO` is written `cookie-echo`. */
function wordOf(type: number): string {
  return chunkName(type).toLowerCase().replaceAll(" ", "-");
}

const CHUNK_WORDS = new Map(LISTABLE_CHUNKS.map((type) => [wordOf(type), type]));

/** `all`, or names of chunks joined by commas. */
function chunkTypes(): ValueParser<"sync", readonly number[]> {
  return {
    mode: "sync",
    metavar: "CHUNKS",
    placeholder: LISTABLE_CHUNKS,
    parse: (text) => {
      if (text === "all") return { success: true, value: LISTABLE_CHUNKS };
      const types = new Set<number>();
      for (const word of text.split(",")) {
        const type = CHUNK_WORDS.get(word.toLowerCase());
        if (type === undefined) {
          const known = ["all", ...CHUNK_WORDS.keys()].join(", ");
          return { success: false, error: message`There is no chunk ${word}; there are ${known}.` };
        }
        types.add(type);
      }
      return { success: true, value: [...types] };
    },
    format: (types) => types === LISTABLE_CHUNKS ? "all" : types.map(wordOf).join(","),
  };
}

/** `--auth-key`, which may be repeated. */
export const keyOption = multiple(
  option("--auth-key", keySource(), {
    description:
      message`A key shared with the peer (RFC 4895): its id, and a file with its hexadecimal digits that only its owner may read. Whoever does not have it is refused. May be repeated: the first key is used for sending, all of them are taken.`,
  }),
);

/** The options of `sctp listen` and `sctp connect`. */
export const authenticationOptions = group(
  "Authentication",
  object({
    keys: keyOption,
    chunks: optional(option("--auth-chunks", chunkTypes(), {
      description:
        message`Chunks that the peer must authenticate, such as data,sack, or all. By default all with --auth-key, and none without.`,
    })),
  }),
);

type KeySources = InferValue<typeof keyOption>;

/**
 * The shared keys that the options name.
 * @throws UsageError with what is wrong with a file, or if an id stands twice.
 */
export async function readKeys(sources: KeySources): Promise<SharedKey[]> {
  const twice = sources.find(({ id }, i) => sources.findIndex((one) => one.id === id) !== i);
  if (twice) throw new UsageError(`--auth-key: there are two keys with id ${twice.id}`);
  return await Promise.all(
    sources.map(async ({ id, file }) => ({ id, secret: await readKeyFile(file) })),
  );
}

/**
 * What the options ask for; `undefined` if it is nothing. Throws as {@link readKeys}.
 */
export async function authenticationOf(
  { keys, chunks }: { readonly keys: KeySources; readonly chunks?: readonly number[] },
): Promise<AuthenticationOptions | undefined> {
  if (keys.length === 0 && chunks === undefined) return undefined;
  return {
    keys: await readKeys(keys),
    chunks: chunks ?? LISTABLE_CHUNKS,
    nullKeySuffices: keys.length === 0,
  };
}
