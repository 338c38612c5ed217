/** RFC 4895. */
import { LISTABLE_CHUNKS } from "../../../core/sctp/wire/auth_parameters.ts";
import { ChunkType } from "../lab/capture.ts";
import type { Link } from "./link.ts";
import { type Chapter, chunks, parameters, type Setting } from "./scene.ts";

const KEYS = [{ id: 1, hex: "5a".repeat(20) }, { id: 2, hex: "a5".repeat(40) }] as const;
/** What either side takes only behind AUTH: all that may be listed of RFC 9260. */
const THEIR_CHUNKS = [0, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((type) => `chunk=${type}`);
const ON = { auth_enable: 1 };
const [FIRST, SECOND] = KEYS.map(({ id, hex }) => ({
  id,
  secret: Uint8Array.from(hex.match(/../g)!, (byte) => parseInt(byte, 16)),
}));
/** RANDOM, CHUNKS and HMAC-ALGO. */
const PARAMETERS = parameters("both", 0x8002, 0x8003, 0x8004);

function allAuthenticated(keys: readonly string[]): Setting {
  return {
    ours: {
      authentication: { keys: keys.length > 0 ? [FIRST] : [], chunks: LISTABLE_CHUNKS },
    },
    words: [...THEIR_CHUNKS, ...keys],
    sysctls: ON,
  };
}

const shared = () => allAuthenticated(KEYS.map(({ id, hex }) => `key=${id}:${hex}`));

async function talk(link: Link): Promise<void> {
  await link.exchange(1, { count: 20 });
}

export const AUTHENTICATION: Chapter = {
  rfc: "RFC 4895",
  title: "Authenticated chunks",
  scenes: [
    {
      name: "every chunk that may be is authenticated, by the null key",
      setting: () => allAuthenticated([]),
      use: talk,
      seen: [...PARAMETERS, ...chunks("both", ChunkType.auth)],
    },
    {
      name: "every chunk that may be is authenticated, by a shared key",
      setting: shared,
      use: talk,
      seen: [...PARAMETERS, ...chunks("both", ChunkType.auth)],
    },
    {
      name: "we demand it, and a peer without it gets no association",
      setting: (peer) => ({
        ours: { authentication: { chunks: LISTABLE_CHUNKS } },
        words: peer === "usrsctp" ? ["off=asconf", "off=auth"] : [],
      }),
      use: "refused",
      seen: chunks("ours", ChunkType.abort),
      unseen: chunks("both", ChunkType.cookieAck, ChunkType.data),
    },
    {
      name: "we change the key while messages are on their way",
      setting: shared,
      async use(link) {
        await talk(link);
        changeOurs(link);
        await talk(link);
        await link.told("authentication", (event) => event.indication === "free-key");
      },
      seen: chunks("both", ChunkType.auth),
    },
    {
      name: "the peer changes its key while messages are on their way",
      setting: shared,
      use: (link) => changeTheirs(link, () => {}),
      seen: chunks("both", ChunkType.auth),
      except: {
        kernel: {
          why:
            "the kernel's fault: it takes nothing any more under a key that it has deactivated, " +
            "which RFC 6458 (section 8.3.4) says of sending alone. Both sides must change first",
          use: (link) => changeTheirs(link, changeOurs),
          seen: chunks("both", ChunkType.auth),
        },
      },
    },
  ],
};

function changeOurs({ ours: { keys } }: Link): void {
  keys.set(SECOND.id, SECOND.secret);
  keys.activate(SECOND.id);
  keys.deactivate(FIRST.id);
}

/** The peer changes its key, and we ours before it deactivates the old one, if at all. */
async function changeTheirs(link: Link, changeOurs: (link: Link) => void): Promise<void> {
  link.ours.keys.set(SECOND.id, SECOND.secret);
  await talk(link);
  await link.command(`key ${SECOND.id}`);
  changeOurs(link);
  await talk(link);
  await link.told(
    "authentication",
    (event) => event.indication === "new-key" && event.key === SECOND.id,
  );
  await link.command(`retire ${FIRST.id}`);
  await talk(link);
}
