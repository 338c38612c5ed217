/**
 * A puppet that authenticates. Its keys and HMACs are computed here once more, by node:crypto and the
 * words of RFC 4895, sections 6.1 and 6.2, and by none of the engine's code.
 */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { padded, readU16, writeU16 } from "../base/bytes.ts";
import type { InitChunk } from "../wire/init.ts";
import { chunkOfType, type SentPacket } from "./sent_packet.ts";
import { parameter, rawChunk } from "./chunks.ts";
import { type Envelope, Puppet, type PuppetOptions, readInit } from "./puppet.ts";

const ALGORITHMS: Readonly<Record<number, readonly [name: string, length: number]>> = {
  1: ["sha1", 20],
  3: ["sha256", 32],
};

export interface AuthPuppetOptions extends PuppetOptions {
  /** Chunk types that the puppet wants authenticated. */
  readonly wants?: readonly number[];
  /** HMAC Identifiers that it takes. */
  readonly hmacs?: readonly number[];
  /** Its Random Number. */
  readonly random?: Uint8Array;
}

/** How an AUTH chunk differs from the right one. */
export interface Seal {
  readonly keyId?: number;
  readonly secret?: Uint8Array;
  readonly hmac?: number;
  /** Bytes of the HMAC that are there. */
  readonly length?: number;
  readonly flags?: number;
}

interface Spoken {
  readonly random: Uint8Array;
  readonly chunkList: Uint8Array | undefined;
  readonly hmacList: Uint8Array;
}

function spokenBy({ random, hmacs, wants }: AuthPuppetOptions): Spoken {
  const ids = new Uint8Array(2 * (hmacs ?? [3, 1]).length);
  (hmacs ?? [3, 1]).forEach((id, i) => writeU16(ids, 2 * i, id));
  const unpadded = (type: number, value: Uint8Array) =>
    parameter(type, value).subarray(0, 4 + value.length);
  return {
    random: unpadded(0x8002, random ?? Uint8Array.from({ length: 32 }, (_, i) => 255 - i)),
    chunkList: wants && unpadded(0x8003, Uint8Array.from(wants)),
    hmacList: unpadded(0x8004, ids),
  };
}

export class AuthPuppet extends Puppet {
  /** What the puppet's INIT or INIT ACK says; a restarted one says something else. */
  spoken: Spoken;
  /** What the subject's says. */
  heard: InitChunk["auth"] = {};

  constructor(options: AuthPuppetOptions = {}) {
    const spoken = spokenBy(options);
    super({ ...options, init: { auth: spoken, ...options.init } });
    this.spoken = spoken;
  }

  override learn(packets: readonly SentPacket[]): InitChunk {
    const answer = super.learn(packets);
    this.heard = answer.auth;
    return answer;
  }

  override beAsked(): SentPacket[] {
    const packets = super.beAsked();
    this.heard = readInit(chunkOfType(packets, 1)).auth;
    return packets;
  }

  /** The association shared key (section 6.1): both key vectors as hexadecimal numbers. */
  key(secret: Uint8Array = new Uint8Array(0)): Uint8Array {
    const vector = ({ random, chunkList, hmacList }: InitChunk["auth"]) =>
      [random, chunkList, hmacList].map((bytes) => bytes ? hexOf(bytes) : "").join("");
    const vectors = [vector(this.spoken), vector(this.heard)];
    const [smaller, larger] = vectors.sort((a, b) =>
      BigInt(`0x0${a}`) < BigInt(`0x0${b}`) ? -1 : 1
    );
    return Uint8Array.from(
      (hexOf(secret) + smaller + larger).match(/../g) ?? [],
      (byte) => parseInt(byte, 16),
    );
  }

  /** An AUTH chunk and the chunks behind it. */
  sealed(seal: Seal, ...chunks: readonly Uint8Array[]): Uint8Array[] {
    const { keyId = 0, secret, hmac = 3, flags = 0 } = seal;
    const [name, full] = ALGORITHMS[hmac] ?? ALGORITHMS[3];
    const auth = rawChunk(15, flags, new Uint8Array(4 + (seal.length ?? full)));
    writeU16(auth, 4, keyId);
    writeU16(auth, 6, hmac);
    const mac = macOf(name, this.key(secret), [auth, ...chunks]);
    auth.set(mac.subarray(0, seal.length ?? full), 8);
    return [auth, ...chunks];
  }

  /** Sends chunks behind an AUTH chunk for the null key. */
  sendAuth(...chunks: readonly Uint8Array[]): SentPacket[] {
    return this.sendSealed({}, {}, ...chunks);
  }

  /** The same with another key, HMAC, tag or address. */
  sendSealed(seal: Seal, envelope: Envelope, ...chunks: readonly Uint8Array[]): SentPacket[] {
    return this.sendIn(envelope, ...this.sealed(seal, ...chunks));
  }

  /** Asserts that the packet's AUTH chunk is right; returns its key id and HMAC Identifier. */
  check({ chunks }: SentPacket, secret?: Uint8Array): { keyId: number; hmac: number } {
    const at = chunks.findIndex((chunk) => chunk[0] === 15);
    assert.ok(at >= 0, "there is an AUTH chunk");
    const [auth, ...rest] = chunks.slice(at);
    assert.ok(rest.length > 0, "something is authenticated");
    const hmac = readU16(auth, 6);
    const [name, length] = ALGORITHMS[hmac];
    assert.equal(auth.length, 8 + length);
    assert.equal(auth[1], 0);
    const zeroed = auth.slice();
    zeroed.fill(0, 8);
    const mac = macOf(name, this.key(secret), [zeroed, ...rest]);
    assert.equal(hexOf(auth.subarray(8)), hexOf(mac));
    return { keyId: readU16(auth, 4), hmac };
  }
}

/** The HMAC over chunks with their padding. */
function macOf(name: string, key: Uint8Array, chunks: readonly Uint8Array[]): Uint8Array {
  const mac = createHmac(name, key);
  for (const chunk of chunks) {
    mac.update(chunk).update(new Uint8Array(padded(chunk.length) - chunk.length));
  }
  return new Uint8Array(mac.digest());
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
