/**
 * Sender-Specific Heartbeat Info: number of the path and a nonce of 64 bits (RFC 9260, section 5.4).
 * The time of sending, and the size of a probe, stay here, where nobody can forge them.
 */
import { readU32, writeU32 } from "../base/bytes.ts";
import type { RandomSource } from "../base/random.ts";
import type { Nonce, Path } from "../path/path.ts";
import { encodeHeartbeat, heartbeatInfo } from "../wire/heartbeat.ts";

const INFO_LENGTH = 12;

/** Bytes of our HEARTBEAT chunks. */
export const HEARTBEAT_LENGTH = 8 + INFO_LENGTH;

/** What a HEARTBEAT ACK brings back. */
export interface HeartbeatInfo extends Nonce {
  readonly pathId: number;
}

/** A fresh nonce. */
export function newNonce(random: RandomSource): Nonce {
  return { nonceHigh: random.uint32(), nonceLow: random.uint32() };
}

/** A HEARTBEAT for a path. */
export function heartbeatFor(path: Path, { nonceHigh, nonceLow }: Nonce): Uint8Array {
  const info = new Uint8Array(INFO_LENGTH);
  writeU32(info, 0, path.id);
  writeU32(info, 4, nonceHigh);
  writeU32(info, 8, nonceLow);
  return encodeHeartbeat(info);
}

/** What the whole HEARTBEAT ACK at `offset` brings back; `undefined` if it cannot be ours. */
export function readHeartbeatInfo(bytes: Uint8Array, offset: number): HeartbeatInfo | undefined {
  const info = heartbeatInfo(bytes, offset);
  if (info?.length !== INFO_LENGTH) return undefined;
  return { pathId: readU32(info, 0), nonceHigh: readU32(info, 4), nonceLow: readU32(info, 8) };
}

/** True if this is the answer to what was sent with `sent`. */
export function answers(info: HeartbeatInfo, sent: Nonce | undefined): boolean {
  return info.nonceHigh === sent?.nonceHigh && info.nonceLow === sent.nonceLow;
}
