/** Options about authentication (RFC 4895). */
import type { HmacId } from "../../sctp/wire/auth.ts";
import { NULL_KEY, type SharedKey } from "../../sctp/auth/shared_keys.ts";
import { CHUNK_TYPES } from "../../sctp/wire/chunk_type.ts";
import type { FutureSettings } from "./future.ts";
import { row } from "./row.ts";
import type { AssociationScope } from "./scope.ts";
import { list, octets, structure, whole } from "./shape.ts";

const keyId = whole(0, 0xffff);

export const AUTHENTICATION_ROWS = {
  SCTP_HMAC_IDENT: row(
    "RFC 6458, section 8.1.17",
    "HMACs that peers may use, most preferred first: 1 is SHA-1, which must be there, 3 is SHA-256.",
    {
      level: "future",
      input: list(whole(0, 0xffff)),
      future: {
        get: ({ future }): readonly number[] => future.authentication.hmacs,
        set: ({ future }, value) => future.authenticate({ hmacs: value as readonly HmacId[] }),
      },
    },
  ),
  SCTP_AUTH_ACTIVE_KEY: row(
    "RFC 6458, section 8.1.18",
    "Id of the shared key that authenticates what is sent.",
    {
      level: "any",
      input: keyId,
      association: {
        get: ({ keys }) => keys.activeId,
        set: ({ keys }, id) => keys.activate(id),
      },
      future: {
        get: ({ future }) => keysOf(future)[0].id,
        set: ({ future }, id) => {
          const active = findKey(future, id);
          const others = keysOf(future).filter((key) => key !== active);
          future.authenticate({ keys: [active, ...others] });
        },
      },
    },
  ),
  SCTP_PEER_AUTH_CHUNKS: row(
    "RFC 6458, section 8.2.3",
    "Chunk types that the peer takes only authenticated.",
    {
      level: "association",
      output: "list of chunk types",
      association: {
        get: ({ association: { authentication } }) =>
          CHUNK_TYPE_NUMBERS.filter((type) => authentication?.mustSend(type)),
      },
    },
  ),
  SCTP_LOCAL_AUTH_CHUNKS: row(
    "RFC 6458, section 8.2.4",
    "Chunk types that are taken from peers only authenticated.",
    {
      level: "association or future",
      output: "list of chunk types",
      association: {
        get: ({ association: { authentication } }): readonly number[] =>
          CHUNK_TYPE_NUMBERS.filter((type) => authentication?.mustReceive(type)),
      },
      future: { get: ({ future }) => future.authentication.chunks },
    },
  ),
  SCTP_AUTH_CHUNK: row(
    "RFC 6458, section 8.3.2",
    "One more chunk type that is taken from peers only authenticated.",
    {
      level: "future",
      input: whole(0, CHUNK_TYPES - 1),
      future: {
        set({ future }, type) {
          const { chunks } = future.authentication;
          if (!chunks.includes(type)) future.authenticate({ chunks: [...chunks, type] });
        },
      },
    },
  ),
  SCTP_AUTH_KEY: row(
    "RFC 6458, section 8.3.3",
    "Adds a shared key, or replaces the one with the same id.",
    {
      level: "any",
      input: structure({ id: keyId, secret: octets(0xffff) }),
      association: { set: ({ keys }, { id, secret }) => keys.set(id, secret) },
      future: {
        set({ future }, key) {
          const known = keysOf(future);
          const at = known.findIndex(({ id }) => id === key.id);
          future.authenticate({ keys: at < 0 ? [...known, key] : known.with(at, key) });
        },
      },
    },
  ),
  SCTP_AUTH_DEACTIVATE_KEY: row(
    "RFC 6458, section 8.3.4",
    "Says that a shared key is not activated again; it must not be the active one.",
    {
      level: "any",
      input: keyId,
      association: { set: ({ keys }, id) => keys.deactivate(id) },
      future: { set: ({ future }, id) => void findIdleKey(future, id) },
    },
  ),
  SCTP_AUTH_DELETE_KEY: row(
    "RFC 6458, section 8.3.5",
    "Removes a shared key: one of an association must have been deactivated and be free, one of those to " +
      "come must not be the active one.",
    {
      level: "any",
      input: keyId,
      association: { set: ({ keys }: AssociationScope, id) => keys.delete(id) },
      future: {
        set({ future }, id) {
          const key = findIdleKey(future, id);
          future.authenticate({ keys: keysOf(future).filter((each) => each !== key) });
        },
      },
    },
  ),
};

const CHUNK_TYPE_NUMBERS = Array.from({ length: CHUNK_TYPES }, (_, type) => type);

/** The active one first. */
function keysOf({ authentication: { keys } }: FutureSettings): readonly SharedKey[] {
  return keys.length > 0 ? keys : [NULL_KEY];
}

function findKey(future: FutureSettings, id: number): SharedKey {
  const key = keysOf(future).find((each) => each.id === id);
  if (key) return key;
  throw new RangeError(`there is no shared key ${id}`);
}

/** @throws RangeError if there is no such key, or it is the active one. */
function findIdleKey(future: FutureSettings, id: number): SharedKey {
  const key = findKey(future, id);
  if (key !== keysOf(future)[0]) return key;
  throw new RangeError(`shared key ${id} is the active one: activate another one first`);
}
