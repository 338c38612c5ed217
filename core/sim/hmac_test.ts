import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { HmacId } from "../sctp/wire/auth.ts";
import { simHmacs } from "./hmac.ts";

Deno.test("the HMACs of a simulation are those of the system, for every length of key", () => {
  const data = Uint8Array.from({ length: 300 }, (_, i) => 3 * i);
  for (let length = 0; length < 200; length += 13) {
    const key = Uint8Array.from({ length }, (_, i) => 255 - i);
    for (const [id, name] of [[HmacId.Sha1, "sha1"], [HmacId.Sha256, "sha256"]] as const) {
      const expected = new Uint8Array(createHmac(name, key).update(data).digest());
      assert.deepEqual(simHmacs[id](key, data), expected, `${name}, key of ${length} bytes`);
    }
  }
});
