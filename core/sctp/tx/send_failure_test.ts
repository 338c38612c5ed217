/** What a user gets back when an association is lost (RFC 9260, section 11.2.2). */
import assert from "node:assert/strict";
import { encodeAbort } from "../wire/abort.ts";
import { connectedInterleaved } from "../testing/interleaved_puppet.ts";
import { connectedPartial, limited } from "../testing/partial_puppet.ts";
import { encodeCookieEcho } from "../wire/cookie.ts";
import { Puppet } from "../testing/puppet.ts";

/** Bytes of a message, all different enough that a part shows where it is from. */
function bytesOf(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => seed + i * 7 + (i >> 8));
}

/** The failures that were told, before the association's end, as words; and their data. */
function told({ subject }: Puppet): { words: string[]; data: Uint8Array[] } {
  const end = subject.events.findIndex(({ kind }) => kind === "communication-lost");
  const failures = subject.events.slice(0, end).flatMap((event) =>
    event.kind === "send-failed" ? [event.failure] : []
  );
  const words = failures.map(({ stream, ppid, unordered, wasSent, isWhole }) =>
    `${stream}${unordered ? "U" : ""} PPID ${ppid} ${wasSent ? "sent" : "unsent"} ${
      isWhole ? "whole" : "rest"
    }`
  );
  return { words, data: failures.map(({ data }) => data) };
}

Deno.test("all that was not acknowledged comes back when the peer aborts, in order and in one piece", () => {
  for (const puppet of [connectedPartial(), connectedInterleaved()]) {
    const full = puppet.association.paths[0].maximumPayload;
    puppet.association.setStreamScheduler("rr");
    puppet.association.notifySendFailures(true);
    const messages = [bytesOf(5 * full, 1), bytesOf(100, 2), bytesOf(200_000, 3), bytesOf(60, 4)];
    puppet.submit(messages[0], { stream: 1, ppid: 11 });
    puppet.ack(1);
    puppet.submit(messages[1], { stream: 2, ppid: 12, unordered: true });
    puppet.submit(messages[2], { stream: 3, ppid: 13, ...limited(3) });
    puppet.submit(messages[3], { stream: 3, ppid: 14 });
    puppet.send(encodeAbort(false, []));
    const { words, data } = told(puppet);
    const byPpid = words.map((one, i) => ({ one, data: data[i] }))
      .sort((a, b) => a.one.split("PPID")[1].localeCompare(b.one.split("PPID")[1]));
    assert.equal(byPpid.length, 4, words.join("; "));
    assert.equal(byPpid[0].one, "1 PPID 11 sent rest");
    assert.deepEqual(byPpid[0].data, messages[0].slice(full));
    for (const i of [1, 2, 3]) assert.deepEqual(byPpid[i].data, messages[i], byPpid[i].one);
    assert.match(byPpid[1].one, /^2U PPID 12 (un)?sent whole$/);
    assert.match(byPpid[2].one, /^3 PPID 13 (un)?sent whole$/);
    assert.equal(byPpid[3].one, "3 PPID 14 unsent whole");
  }
});

Deno.test("a message of which all that was sent is acknowledged comes back from there on", () => {
  const puppet = connectedPartial();
  const full = puppet.association.paths[0].maximumPayload;
  puppet.association.notifySendFailures(true);
  const message = bytesOf(400_000, 5);
  const sent = puppet.offsets(puppet.submit(message, { ppid: 9 })).length;
  puppet.ack(sent, { window: 0 });
  puppet.subject.do((_, now) => puppet.association.abort(now));
  const { words, data } = told(puppet);
  assert.deepEqual(words, ["0 PPID 9 sent rest"]);
  assert.deepEqual(data[0], message.slice(sent * full));
});

Deno.test("a setup that fails gives back what waited for it, and what was delivered stays so", () => {
  const puppet = new Puppet({ parameters: { maxInitRetransmits: 0 } });
  puppet.beAsked();
  puppet.association.notifySendFailures(true);
  puppet.submit(10, { ppid: 5 });
  puppet.wait(5000);
  assert.deepEqual(told(puppet).words, ["0 PPID 5 unsent whole"]);
  const other = connectedPartial();
  other.association.notifySendFailures(true);
  other.submit(10);
  other.ack(1);
  other.send(encodeAbort(false, []));
  assert.deepEqual(told(other).words, []);
});

Deno.test("a restart of the peer gives back what was under way", () => {
  const puppet = connectedPartial();
  puppet.association.notifySendFailures(true);
  puppet.submit(10, { ppid: 5 });
  puppet.tag = 0x0bad_cafe;
  puppet.learn(puppet.requestInitAck({ initiateTag: puppet.tag }));
  puppet.send(encodeCookieEcho(puppet.cookie));
  const failed = puppet.subject.events.filter(({ kind }) => kind === "send-failed");
  assert.equal(failed.length, 1);
  puppet.submit(10, { ppid: 6 });
  puppet.send(encodeAbort(false, []));
  assert.equal(told(puppet).words.at(-1), "0 PPID 6 sent whole");
});
