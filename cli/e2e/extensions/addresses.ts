/** RFC 5061. */
import assert from "node:assert/strict";
import { ChunkType } from "../lab/capture.ts";
import { wireAddresses } from "../lab/namespaces.ts";
import { type Link, ourAddress, theirAddress } from "./link.ts";
import { type Chapter, chunks, parameters } from "./scene.ts";

const ON = { addip_enable: 1, auth_enable: 1 };
/** Add IP Address, Delete IP Address, Set Primary Address. */
const CHANGES = [0xc001, 0xc002, 0xc004] as const;

/** From the first wire to the second: the new address is added, preferred, and the old one is deleted. */
async function moveOurs(link: Link): Promise<void> {
  const [old, next] = [ourAddress(link.host), ourAddress(link.host, 1)];
  const { addresses } = link.ours;
  await link.exchange(1);
  addresses.add(next);
  await link.told("local-address", ({ address, change }) => address === next && change === "added");
  await link.theirs.line(new RegExp(`^path ${next} added$`));
  addresses.setPeerPrimary(next);
  await link.told("local-address", ({ change }) => change === "made-primary");
  addresses.remove(old);
  await link.told("local-address", ({ change }) => change === "removed");
  await link.theirs.line(new RegExp(`^path ${old} removed$`));
  await link.exchange(1);
}

async function moveTheirs(link: Link): Promise<void> {
  const [old, next] = [theirAddress(link.host), theirAddress(link.host, 1)];
  await link.exchange(1);
  await link.command(`add ${next}`);
  await link.told("peer-address", ({ address, change }) => address === next && change === "added");
  await link.told("path-status", ({ path }) => path.remote === next && path.status === "active");
  await link.command(`prefer ${next}`);
  await link.told("peer-address", ({ change }) => change === "made-primary");
  await link.command(`remove ${old}`);
  await link.told("peer-address", ({ address, change }) => address === old && change === "removed");
  await link.exchange(1);
}

const OURS_SEEN = [
  ...chunks("ours", ChunkType.auth, ChunkType.asconf),
  ...chunks("theirs", ChunkType.auth, ChunkType.asconfAck),
  ...parameters("ours", ...CHANGES),
];
const THEIRS_SEEN = [
  ...chunks("theirs", ChunkType.auth, ChunkType.asconf),
  ...chunks("ours", ChunkType.auth, ChunkType.asconfAck),
  ...parameters("theirs", ...CHANGES),
];

/** usrsctp asks, and forgets the address that it asks about at once. */
async function forgetful(link: Link): Promise<void> {
  const next = theirAddress(link.host, 1);
  await link.command(`add ${next}`);
  await link.told("path-status", ({ path }) => path.remote === next && path.status === "active");
  await link.command(`remove ${theirAddress(link.host)}`);
  // It may have come to that already.
  await link.ours.send(new Uint8Array(1000), { stream: 1 }).catch(() => {});
  const end = await link.ours.closed;
  assert.ok(!end.graceful && end.error.code === "ERR_SCTP_ABORTED_BY_PEER");
}

export const ADDRESSES: Chapter = {
  rfc: "RFC 5061",
  title: "Changes of addresses",
  scenes: [
    {
      name: "we add an address, have it preferred, and delete the old one",
      setting: () => ({ sysctls: ON }),
      use: moveOurs,
      seen: OURS_SEEN,
    },
    {
      name: "the peer adds an address, has it preferred, and deletes the old one",
      setting: () => ({ sysctls: ON }),
      use: moveTheirs,
      seen: THEIRS_SEEN,
    },
    {
      name: "we do all this over UDP",
      // usrsctp sends from the address that the host's routes give: it must have told us of that.
      setting: () => ({ sysctls: ON, carrier: "UDP", words: [`local=${wireAddresses(1, 2).v4}`] }),
      use: moveOurs,
      seen: OURS_SEEN,
    },
    {
      name: "the peer does all this over UDP",
      setting: () => ({ sysctls: ON, carrier: "UDP" }),
      use: moveTheirs,
      seen: THEIRS_SEEN,
      except: {
        usrsctp: {
          why:
            "usrsctp's fault: it sends from the address that the host's routes give, and so asks " +
            "to delete the very address from which it asks, which we must refuse (section 5.3, F8). " +
            "Before our answer it takes packets to that address for strange, and aborts (against F4)",
          use: forgetful,
          seen: [
            ...chunks("theirs", ChunkType.asconf, ChunkType.abort),
            ...parameters("theirs", 0xc002),
          ],
        },
      },
    },
    {
      name: "both do this without authentication, where both are told to",
      setting: (peer) => ({
        ours: { parameters: { asconfWithoutAuth: 1 } },
        words: peer === "usrsctp" ? ["off=asconf", "off=auth"] : [],
        sysctls: { addip_enable: 1, addip_noauth_enable: 1 },
      }),
      use: moveOurs,
      seen: [...chunks("ours", ChunkType.asconf), ...chunks("theirs", ChunkType.asconfAck)],
      unseen: chunks("both", ChunkType.auth),
      except: {
        usrsctp: {
          why: "usrsctp has it with authentication only",
          use: (link) => link.exchange(1),
          unseen: chunks("both", ChunkType.asconf, ChunkType.auth),
        },
      },
    },
  ],
};
