/**
 * The State Cookie: everything that a responder would have to remember, handed to the initiator
 * instead, under a MAC (RFC 9260, sections 5.1.3 and 5.1.5).
 *
 * ```
 *  version 1 | secret 1 | flags 2 | created 8 (ms, float) | lifespan 4 (ms)
 *  local tag 4 | peer tag 4 | local tie-tag 4 | peer's tie-tag 4
 *  local port 2 | peer port 2 | local initial TSN 4 | peer initial TSN 4 | peer a_rwnd 4
 *  local OS 2 | local MIS 2 | peer OS 2 | peer MIS 2 | UDP port 2 | extensions 2
 *  peer adaptation 4 | count of the peer's addresses 2 | reserved 2
 *  address the INIT came to | the peer's addresses, the one it came from first
 *  RANDOM, CHUNKS and HMAC-ALGO of ours, then the peer's, with authentication
 *  MAC
 * ```
 * An address is its family (4 or 6) in one byte and then its bytes. A parameter is as on the wire,
 * without padding.
 */
import { IpAddress } from "../base/address.ts";
import { readU16, readU32, writeU16, writeU32 } from "../base/bytes.ts";
import { areEqualInConstantTime } from "../base/constant_time.ts";
import type { RandomSource } from "../base/random.ts";
import { type Tsn, tsn } from "../base/serial.ts";
import { elapsed, type Instant, instant } from "../base/time.ts";
import type { KeyedHash } from "../environment.ts";
import { authParameterList, type AuthParameters, sharedList } from "../wire/auth_parameters.ts";
import { tlvBytes } from "../wire/tlv.ts";

const VERSION = 2;
const FIXED_LENGTH = 68;
const SECRET_LENGTH = 32;
/** RFC 9260, section 5.1.3: secrets change hourly; the one before is still honoured. */
const SECRET_LIFE = 3_600_000;

/** What is needed to make an association, by either way of learning it. */
export interface PeerSetup {
  readonly peerTag: number;
  readonly peerInitialTsn: Tsn;
  /** a_rwnd of the peer's INIT or INIT ACK. */
  readonly peerWindow: number;
  readonly peerOutboundStreams: number;
  readonly peerInboundStreams: number;
  /** The peer speaks ECN. */
  readonly peerEcn: boolean;
  readonly peerAdaptation: number | undefined;
  /** Extensions that both sides have. */
  readonly extensions: number;
  /** What the peer said about authentication, if both sides have it. */
  readonly peerAuth: AuthParameters | undefined;
  /** All addresses of the peer, the one it sent from first. */
  readonly peerAddresses: readonly IpAddress[];
}

/** What a cookie says. */
export interface CookieContent extends PeerSetup {
  readonly created: Instant;
  /** Milliseconds for which the cookie is good. */
  readonly lifespan: number;
  readonly localTag: number;
  readonly localInitialTsn: Tsn;
  readonly localTieTag: number;
  readonly peerTieTag: number;
  readonly localPort: number;
  readonly peerPort: number;
  readonly localOutboundStreams: number;
  readonly localInboundStreams: number;
  readonly encapsulationPort: number;
  /** What our INIT ACK said about authentication, if both sides have it. */
  readonly localAuth: AuthParameters | undefined;
  /** Our address to which the INIT was sent. */
  readonly localAddress: IpAddress;
}

/** Makes and checks cookies; holds the secrets. */
export class CookieMint {
  readonly #random: RandomSource;
  readonly #keyedHash: KeyedHash;
  #current: Uint8Array;
  #previous: Uint8Array | undefined;
  #generation = 0;
  #since: Instant | undefined;

  constructor(random: RandomSource, keyedHash: KeyedHash) {
    this.#random = random;
    this.#keyedHash = keyedHash;
    this.#current = this.#newSecret();
  }

  /** A cookie for this content. */
  bake(now: Instant, content: CookieContent): Uint8Array {
    this.#rotate(now);
    const body = encode(content, this.#generation & 0xff);
    const mac = this.#keyedHash(this.#current, body);
    const cookie = new Uint8Array(body.length + mac.length);
    cookie.set(body);
    cookie.set(mac, body.length);
    return cookie;
  }

  /** The content of a cookie that is ours and unchanged, or `undefined`. Its age is not looked at. */
  open(now: Instant, cookie: Uint8Array): CookieContent | undefined {
    this.#rotate(now);
    if (cookie.length < FIXED_LENGTH || cookie[0] !== VERSION) return undefined;
    const age = (this.#generation - cookie[1]) & 0xff;
    const secret = age === 0 ? this.#current : age === 1 ? this.#previous : undefined;
    if (!secret) return undefined;
    const macLength = this.#keyedHash(secret, EMPTY).length;
    const body = cookie.subarray(0, Math.max(0, cookie.length - macLength));
    const mac = this.#keyedHash(secret, body);
    return areEqualInConstantTime(mac, cookie.subarray(body.length)) ? decode(body) : undefined;
  }

  #rotate(now: Instant): void {
    this.#since ??= now;
    const age = elapsed(this.#since, now);
    if (age < SECRET_LIFE) return;
    this.#previous = age < 2 * SECRET_LIFE ? this.#current : undefined;
    this.#current = this.#newSecret();
    this.#generation++;
    this.#since = now;
  }

  #newSecret(): Uint8Array {
    const secret = new Uint8Array(SECRET_LENGTH);
    this.#random.fill(secret);
    return secret;
  }
}

const EMPTY = new Uint8Array(0);

const HAS_ECN = 1;
const HAS_ADAPTATION = 2;
const HAS_AUTHENTICATION = 4;
const HAS_LOCAL_CHUNKS = 8;
const HAS_PEER_CHUNKS = 16;

function flagsOf({ peerEcn, peerAdaptation, localAuth, peerAuth }: CookieContent): number {
  return (peerEcn ? HAS_ECN : 0) |
    (peerAdaptation === undefined ? 0 : HAS_ADAPTATION) |
    (localAuth && peerAuth ? HAS_AUTHENTICATION : 0) |
    (localAuth?.chunkList ? HAS_LOCAL_CHUNKS : 0) |
    (peerAuth?.chunkList ? HAS_PEER_CHUNKS : 0);
}

function encode(content: CookieContent, generation: number): Uint8Array {
  const tail = [...addressBytes(content), ...authBytes(content)];
  const out = new Uint8Array(tail.reduce((sum, { length }) => sum + length, FIXED_LENGTH));
  out[0] = VERSION;
  out[1] = generation;
  writeU16(out, 2, flagsOf(content));
  new DataView(out.buffer).setFloat64(4, content.created);
  writeU32(out, 12, content.lifespan);
  writeU32(out, 16, content.localTag);
  writeU32(out, 20, content.peerTag);
  writeU32(out, 24, content.localTieTag);
  writeU32(out, 28, content.peerTieTag);
  writeU16(out, 32, content.localPort);
  writeU16(out, 34, content.peerPort);
  writeU32(out, 36, content.localInitialTsn);
  writeU32(out, 40, content.peerInitialTsn);
  writeU32(out, 44, content.peerWindow);
  writeU16(out, 48, content.localOutboundStreams);
  writeU16(out, 50, content.localInboundStreams);
  writeU16(out, 52, content.peerOutboundStreams);
  writeU16(out, 54, content.peerInboundStreams);
  writeU16(out, 56, content.encapsulationPort);
  writeU16(out, 58, content.extensions);
  writeU32(out, 60, content.peerAdaptation ?? 0);
  writeU16(out, 64, content.peerAddresses.length);
  let at = FIXED_LENGTH;
  for (const part of tail) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function addressBytes({ localAddress, peerAddresses }: CookieContent): Uint8Array[] {
  return [localAddress, ...peerAddresses].map(({ family, bytes }) =>
    Uint8Array.of(family, ...bytes)
  );
}

function authBytes({ localAuth, peerAuth }: CookieContent): Uint8Array[] {
  if (!localAuth || !peerAuth) return [];
  return [...authParameterList(localAuth), ...authParameterList(peerAuth)];
}

/** Reads a body whose MAC was right: it is what {@link encode} wrote. */
function decode(body: Uint8Array): CookieContent {
  const flags = readU16(body, 2);
  const addresses: IpAddress[] = [];
  const count = readU16(body, 64) + 1;
  let at = FIXED_LENGTH;
  for (let i = 0; i < count; i++) {
    const family = body[at] === 6 ? 6 : 4;
    const address = IpAddress.fromBytes(family, body, at + 1);
    addresses.push(address);
    at += 1 + address.bytes.length;
  }
  const [localAddress, ...peerAddresses] = addresses;
  const auth = readAuth(body, at, flags);
  return {
    created: instant(new DataView(body.buffer, body.byteOffset).getFloat64(4)),
    lifespan: readU32(body, 12),
    localTag: readU32(body, 16),
    peerTag: readU32(body, 20),
    localTieTag: readU32(body, 24),
    peerTieTag: readU32(body, 28),
    localPort: readU16(body, 32),
    peerPort: readU16(body, 34),
    localInitialTsn: tsn(readU32(body, 36)),
    peerInitialTsn: tsn(readU32(body, 40)),
    peerWindow: readU32(body, 44),
    localOutboundStreams: readU16(body, 48),
    localInboundStreams: readU16(body, 50),
    peerOutboundStreams: readU16(body, 52),
    peerInboundStreams: readU16(body, 54),
    encapsulationPort: readU16(body, 56),
    extensions: readU16(body, 58),
    ...auth,
    peerEcn: (flags & HAS_ECN) !== 0,
    peerAdaptation: (flags & HAS_ADAPTATION) === 0 ? undefined : readU32(body, 60),
    localAddress,
    peerAddresses,
  };
}

function readAuth(
  body: Uint8Array,
  offset: number,
  flags: number,
): Pick<CookieContent, "localAuth" | "peerAuth"> {
  if ((flags & HAS_AUTHENTICATION) === 0) return { localAuth: undefined, peerAuth: undefined };
  let at = offset;
  const take = () => {
    const parameter = tlvBytes(body, at);
    at += parameter.length;
    return parameter;
  };
  const takeSide = (hasChunks: boolean): AuthParameters => {
    const random = take();
    const chunkList = hasChunks ? sharedList(take()) : undefined;
    return { random, chunkList, hmacList: sharedList(take()) };
  };
  const localAuth = takeSide((flags & HAS_LOCAL_CHUNKS) !== 0);
  return { localAuth, peerAuth: takeSide((flags & HAS_PEER_CHUNKS) !== 0) };
}
