import assert from "node:assert/strict";
import fc from "fast-check";
import { SeededRandom } from "../base/random.ts";
import { tsn } from "../base/serial.ts";
import { instant } from "../base/time.ts";
import { simKeyedHash } from "../../sim/environment.ts";
import { address } from "../testing/test_endpoint.ts";
import { hex } from "../wire/fixtures.ts";
import { type CookieContent, CookieMint } from "./state_cookie.ts";

const CONTENT: CookieContent = {
  created: instant(123.5),
  lifespan: 60_000,
  localTag: 0xfedc_ba98,
  peerTag: 1,
  localTieTag: 0xffff_ffff,
  peerTieTag: 3,
  localPort: 65_535,
  peerPort: 1,
  localInitialTsn: tsn(0xffff_fff0),
  peerInitialTsn: tsn(9),
  peerWindow: 0xffff_ffff,
  localOutboundStreams: 65_535,
  localInboundStreams: 1,
  peerOutboundStreams: 2,
  peerInboundStreams: 65_534,
  peerEcn: true,
  peerAdaptation: 0xdead_beef,
  encapsulationPort: 9899,
  extensions: 0x8001,
  localAuth: {
    random: hex("8002 0008 01020304"),
    chunkList: undefined,
    hmacList: hex("8004 0006 0001"),
  },
  peerAuth: {
    random: hex("8002 0006 0506"),
    chunkList: hex("8003 0004"),
    hmacList: hex("8004 0008 0003 0001"),
  },
  localAddress: address("10.0.0.1"),
  peerAddresses: ["10.0.0.2", "fd00::2"].map(address),
};

function mint(seed = 1): CookieMint {
  return new CookieMint(new SeededRandom(seed), simKeyedHash);
}

Deno.test("a cookie brings back everything that was put into it (RFC 9260, section 5.1.3)", () => {
  const one = mint();
  assert.deepEqual(one.open(instant(200), one.bake(instant(123), CONTENT)), CONTENT);
  const bare = {
    ...CONTENT,
    peerEcn: false,
    peerAdaptation: undefined,
    encapsulationPort: 0,
    extensions: 0,
    localAuth: undefined,
    peerAuth: undefined,
  };
  assert.deepEqual(one.open(instant(200), one.bake(instant(123), bare)), bare);
});

Deno.test("a cookie with as many addresses as a chunk may list comes back whole", () => {
  const one = mint();
  const peerAddresses = Array.from({ length: 65 }, (_, i) => address(`fd00::${i + 1}`));
  const cookie = one.bake(instant(0), { ...CONTENT, peerAddresses });
  assert.deepEqual(one.open(instant(0), cookie)?.peerAddresses, peerAddresses);
});

Deno.test("no bit of a cookie can be changed (section 5.1.5, 2)", () => {
  const one = mint();
  const cookie = one.bake(instant(0), CONTENT);
  for (let bit = 0; bit < cookie.length * 8; bit++) {
    const forged = cookie.slice();
    forged[bit >> 3] ^= 1 << (bit & 7);
    assert.equal(one.open(instant(0), forged), undefined, `bit ${bit}`);
  }
});

Deno.test("no cookie of another length is taken", () => {
  const one = mint();
  const cookie = one.bake(instant(0), CONTENT);
  for (let length = 0; length < cookie.length; length++) {
    assert.equal(one.open(instant(0), cookie.slice(0, length)), undefined);
    assert.equal(one.open(instant(0), cookie.slice(cookie.length - length)), undefined);
  }
  assert.equal(one.open(instant(0), Uint8Array.of(...cookie, 0)), undefined);
});

Deno.test("another endpoint's cookie is worth nothing", () => {
  assert.equal(mint(2).open(instant(0), mint(1).bake(instant(0), CONTENT)), undefined);
});

Deno.test("any bytes are taken for what they are: no cookie", () => {
  const one = mint();
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    assert.equal(one.open(instant(0), bytes), undefined);
  }));
});

Deno.test("secrets change each hour; the one before still counts, an older one does not (section 5.1.3)", () => {
  const hour = 3_600_000;
  const one = mint();
  const cookie = one.bake(instant(0), CONTENT);
  assert.ok(one.open(instant(hour - 1), cookie));
  const later = one.bake(instant(hour), CONTENT);
  assert.notDeepEqual(later, cookie);
  assert.ok(one.open(instant(hour + 1), cookie), "made with the secret before");
  assert.ok(one.open(instant(2 * hour - 1), cookie));
  assert.equal(one.open(instant(2 * hour), cookie), undefined);
  assert.ok(one.open(instant(2 * hour), later));
});

Deno.test("after hours without a cookie no old secret is left", () => {
  const hour = 3_600_000;
  const one = mint();
  const cookie = one.bake(instant(0), CONTENT);
  assert.equal(one.open(instant(5 * hour), cookie), undefined);
});
