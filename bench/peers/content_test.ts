import assert from "node:assert/strict";
import { NumberedMessage, Tally } from "./content.ts";

const LENGTH = 1000;

function received(change: (bytes: Uint8Array, tally: Tally) => void): Tally {
  const tally = new Tally();
  const message = new NumberedMessage(LENGTH);
  message.number = 0;
  change(message.bytes, tally);
  tally.count(message.bytes, LENGTH);
  return tally;
}

Deno.test("messages that come as they were sent have no faults", () => {
  const tally = new Tally();
  const message = new NumberedMessage(LENGTH);
  for (let i = 0; i < 200; i++) {
    message.number = i;
    tally.count(message.bytes, LENGTH);
  }
  const { messages, bytes, checked, faults } = tally;
  assert.deepEqual({ messages, bytes, checked, faults }, {
    messages: 200,
    bytes: 200 * LENGTH,
    checked: 4,
    faults: 0,
  });
});

Deno.test("a byte that was changed is a fault", () => {
  assert.equal(received((bytes) => bytes[500] ^= 1).faults, 1);
});

Deno.test("a message that was lost shows in the number of the next", () => {
  assert.equal(received((_, tally) => tally.messages = 1).faults, 1);
});

Deno.test("a message whose end is another's is a fault", () => {
  assert.equal(received((bytes) => bytes[LENGTH - 1] = 7).faults, 1);
});
