/** The matrix in words, for docs/peers.md. */
import { type PeerName, PEERS } from "../lab/far_hosts.ts";
import { MATRIX } from "./matrix.ts";
import type { Chapter, Scene } from "./scene.ts";

const NAMES: Readonly<Record<PeerName, string>> = { usrsctp: "usrsctp", kernel: "Linux" };

/** A table for each extension; below it what a peer does otherwise. */
export function tables(): string {
  return MATRIX.map(table).join("\n");
}

function table({ rfc, title, scenes }: Chapter): string {
  const notes: string[] = [];
  const rows = scenes.map((
    scene,
  ) => [scene.name, ...PEERS.map((peer) => verdict(scene, peer, notes))]);
  const lines = [
    ["", ...PEERS.map((peer) => NAMES[peer])],
    ["---", ...PEERS.map(() => "---")],
    ...rows,
  ];
  const text = lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  return `## ${title} (${rfc})\n\n${text}\n${notes.length > 0 ? `\n${notes.join("\n")}\n` : ""}`;
}

function verdict({ except }: Scene, peer: PeerName, notes: string[]): string {
  const exception = except?.[peer];
  if (!exception) return "yes";
  const known = notes.findIndex((note) => note.endsWith(` ${exception.why}.`));
  const number = known < 0 ? notes.push(`${notes.length + 1}. ${exception.why}.`) : known + 1;
  return `no (${number})`;
}
