/** Pages for user data that lie where the packets do, so that bytes pass between the two cheaply. */
import { PAGE_SIZE, type PageSource } from "../base/slab_pool.ts";
import type { PacketMemory } from "./simd.ts";

/** Takes pages from `memory` as long as there is room. */
export function packetPages({ allocateIfFree, copy }: PacketMemory): PageSource {
  return { take: () => ({ bytes: allocateIfFree(PAGE_SIZE), offset: 0 }), copy };
}
