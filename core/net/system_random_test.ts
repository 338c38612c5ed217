import assert from "node:assert/strict";
import { SystemRandom } from "./system_random.ts";

Deno.test("numbers go on after the store is used up, and do not repeat", () => {
  const random = new SystemRandom();
  const seen = new Set<number>();
  for (let i = 0; i < 1000; i++) {
    const value = random.uint32();
    assert.ok(Number.isInteger(value) && value >= 0 && value <= 0xffffffff);
    seen.add(value);
  }
  assert.ok(seen.size > 990, `${seen.size} different numbers of 1000`);
});

Deno.test("an array longer than one system call gives is filled to its end", () => {
  const bytes = new Uint8Array(200_000);
  new SystemRandom().fill(bytes);
  assert.ok(bytes.subarray(-64).some((byte) => byte !== 0));
  assert.ok(bytes.subarray(65536, 65536 + 64).some((byte) => byte !== 0));
});
