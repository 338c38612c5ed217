/** RFC 6525. */
import assert from "node:assert/strict";
import { ChunkType } from "../lab/capture.ts";
import type { Link } from "./link.ts";
import { type Chapter, chunks, parameters, type Scene } from "./scene.ts";

/** Parameters of RE-CONFIG chunks. */
const Parameter = {
  resetOutgoing: 0x0d,
  resetIncoming: 0x0e,
  resetAll: 0x0f,
  response: 0x10,
  addOutgoing: 0x11,
  addIncoming: 0x12,
} as const;
/** The stream that is reset. */
const STREAM = 1;

/** A change that one side asks for: messages pass on the stream before it and behind it. */
function change(
  name: string,
  asker: "ours" | "theirs",
  request: number,
  act: (link: Link) => Promise<void>,
): Scene {
  const answerer = asker === "ours" ? "theirs" : "ours";
  return {
    name,
    setting: () => ({ sysctls: { reconf_enable: 1 } }),
    async use(link) {
      await link.exchange(STREAM);
      await act(link);
      await link.exchange(STREAM);
    },
    seen: [
      ...chunks("both", ChunkType.reConfig),
      ...parameters(asker, request),
      ...parameters(answerer, answerOf(request)),
    ],
  };
}

/** What is asked about the other side's streams is answered by a request of that side. */
function answerOf(request: number): number {
  if (request === Parameter.resetIncoming) return Parameter.resetOutgoing;
  return request === Parameter.addIncoming ? Parameter.addOutgoing : Parameter.response;
}

async function performed(link: Link, direction: "incoming" | "outgoing"): Promise<void> {
  const event = await link.told("streams-reset", (event) => event.direction === direction);
  assert.deepEqual([event.streams, event.outcome], [[STREAM], "performed"]);
}

async function resetAll(link: Link): Promise<void> {
  assert.equal((await link.told("association-reset")).outcome, "performed");
}

async function allReset(link: Link): Promise<void> {
  link.ours.streams.resetAll();
  await resetAll(link);
  await link.theirs.line(/^reset all$/);
}

async function theyResetAll(link: Link): Promise<void> {
  await link.command("reset all");
  await resetAll(link);
}

/** More streams for one side, by the request of one side; on the last of them messages pass. */
async function more(link: Link, asker: "ours" | "theirs", added: "ours" | "theirs"): Promise<void> {
  const { streams } = link.ours;
  const count = () => added === "ours" ? streams.outbound : streams.inbound;
  const before = count();
  const [out, into] = asker === added ? [3, 0] : [0, 3];
  if (asker === "ours") streams.add(out, into);
  else await link.command(`more ${out} ${into}`);
  const isTold = (now: number) => now === before + 3;
  await link.told(
    "streams-changed",
    ({ outbound, inbound, outcome }) =>
      outcome === "performed" && isTold(added === "ours" ? outbound : inbound),
  );
  assert.equal(count(), before + 3);
}

export const STREAMS: Chapter = {
  rfc: "RFC 6525",
  title: "Stream reconfiguration",
  scenes: [
    change("we reset our streams", "ours", Parameter.resetOutgoing, async (link) => {
      link.ours.streams.reset({ outgoing: [STREAM] });
      await performed(link, "outgoing");
      await link.theirs.line(/^reset in 1$/);
    }),
    change("the peer resets its streams", "theirs", Parameter.resetOutgoing, async (link) => {
      await link.command(`reset out ${STREAM}`);
      await performed(link, "incoming");
    }),
    change("we have the peer reset its streams", "ours", Parameter.resetIncoming, async (link) => {
      link.ours.streams.reset({ incoming: [STREAM] });
      await performed(link, "incoming");
    }),
    change("the peer has us reset our streams", "theirs", Parameter.resetIncoming, async (link) => {
      await link.command(`reset in ${STREAM}`);
      await performed(link, "outgoing");
    }),
    change("we reset the association", "ours", Parameter.resetAll, allReset),
    {
      ...change("the peer resets the association", "theirs", Parameter.resetAll, theyResetAll),
      except: {
        usrsctp: {
          why: "usrsctp's fault: behind the reset it compares our SACKs with the TSN that it has " +
            "received last, and depending on chance takes none of them. What it sends is stuck then",
          use: theyResetAll,
        },
      },
    },
    change(
      "we add streams for us",
      "ours",
      Parameter.addOutgoing,
      (link) => more(link, "ours", "ours"),
    ),
    change(
      "the peer adds streams for it",
      "theirs",
      Parameter.addOutgoing,
      (link) => more(link, "theirs", "theirs"),
    ),
    change(
      "we have the peer add streams",
      "ours",
      Parameter.addIncoming,
      (link) => more(link, "ours", "theirs"),
    ),
    change(
      "the peer has us add streams",
      "theirs",
      Parameter.addIncoming,
      (link) => more(link, "theirs", "ours"),
    ),
  ],
};
