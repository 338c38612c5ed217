/** All extensions with what is done about each; every scene runs against every peer, in both roles. */
import { ACKNOWLEDGEMENTS } from "./acknowledgements.ts";
import { ADDRESSES } from "./addresses.ts";
import { AUTHENTICATION } from "./authentication.ts";
import { FALLBACK } from "./fallback.ts";
import { INTERLEAVING } from "./interleaving.ts";
import { ADAPTATION, CONGESTION, ENCAPSULATION, PATH_MTU } from "./packets.ts";
import { RELIABILITY } from "./reliability.ts";
import type { Chapter } from "./scene.ts";
import { STREAMS } from "./streams.ts";

export const MATRIX: readonly Chapter[] = [
  AUTHENTICATION,
  ADDRESSES,
  ADAPTATION,
  STREAMS,
  RELIABILITY,
  INTERLEAVING,
  ACKNOWLEDGEMENTS,
  PATH_MTU,
  ENCAPSULATION,
  CONGESTION,
  FALLBACK,
];
