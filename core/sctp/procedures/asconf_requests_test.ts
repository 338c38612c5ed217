/** What the peer asks for about its addresses (RFC 5061, sections 5.2 to 5.4). */
import assert from "node:assert/strict";
import type { DropReason } from "../metrics.ts";
import { acksIn, type AsconfPuppet, asconfPuppet, type RequestWords } from "../testing/asconf.ts";
import { chunksOfType, namesOf, type SentPacket } from "../testing/sent_packet.ts";
import type { AsconfResponse } from "../wire/asconf.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { CauseCode } from "../wire/error_cause.ts";

function remotesOf({ association }: AsconfPuppet): string[] {
  return association.paths.map(({ local, remote }) => `${local} ${remote}`);
}

function dropped({ subject }: AsconfPuppet, reason: DropReason): number {
  return subject.endpoint.metrics.dropped[reason];
}

/** The only answer among these packets. */
function answerIn(packets: readonly SentPacket[]): readonly AsconfResponse[] {
  const [ack, ...others] = acksIn(packets);
  assert.ok(ack && others.length === 0, namesOf(packets).join(", "));
  return ack.responses;
}

/** "1:a0" for an error with that cause, "1" for success. */
function wordsOf(responses: readonly AsconfResponse[]): string {
  return responses.map((response) =>
    response.kind === "success"
      ? `${response.correlation}`
      : `${response.correlation}:${response.causes.map(({ code }) => code.toString(16))}`
  ).join(" ");
}

/** Asks and returns the answer in words; empty if all was done. */
function outcome(puppet: AsconfPuppet, ...requests: RequestWords[]): string {
  return wordsOf(answerIn(puppet.ask(requests)));
}

function addressEvents({ subject }: AsconfPuppet): string[] {
  return subject.events.flatMap((event) =>
    event.kind === "peer-address" ? [`${event.address} ${event.change}`] : []
  );
}

Deno.test("an address that is added is probed, and carries data once it is proved (F14)", () => {
  const puppet = asconfPuppet();
  const sent = puppet.ask(["add 10.0.0.3"]);
  assert.equal(wordsOf(answerIn(sent)), "");
  puppet.check(sent[0]);
  assert.deepEqual(remotesOf(puppet), ["10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.3"]);
  assert.deepEqual(addressEvents(puppet), ["10.0.0.3 added"]);
  const added = puppet.association.paths[1];
  assert.equal(added.status, "unconfirmed");
  const probes = puppet.wait(0);
  assert.deepEqual(probes.map(({ to, names }) => `${to} ${names}`), ["10.0.0.3 HEARTBEAT"]);
  puppet.answerHeartbeats(probes);
  assert.equal(added.status, "active");
});

Deno.test("the answer is authenticated and goes to where the request came from (E6)", () => {
  const puppet = asconfPuppet({ peers: ["10.0.0.2", "10.0.0.3"] });
  const [answer] = puppet.ask(["add 10.0.0.4"], { from: "10.0.0.3" });
  assert.equal(answer.to, "10.0.0.3");
  assert.match(answer.names, /^AUTH\+ASCONF-ACK/);
  puppet.check(answer);
});

Deno.test("a deleted address takes its paths along, and nothing goes there any more (F13)", () => {
  const puppet = asconfPuppet({ peers: ["10.0.0.2", "10.0.0.3"] });
  assert.equal(outcome(puppet, "delete 10.0.0.3"), "");
  assert.deepEqual(remotesOf(puppet), ["10.0.0.1 10.0.0.2"]);
  assert.deepEqual(addressEvents(puppet), ["10.0.0.3 removed"]);
  assert.ok(puppet.wait(100_000).every(({ to }) => to === "10.0.0.2"));
  const before = dropped(puppet, "unknown-source");
  puppet.sendIn({ from: "10.0.0.3" }, Uint8Array.of(4, 0, 0, 4));
  assert.equal(dropped(puppet, "unknown-source"), before + 1);
});

Deno.test("the last address is not deleted (F7), also if it is the source", () => {
  const puppet = asconfPuppet();
  const responses = answerIn(puppet.ask(["delete 10.0.0.2"]));
  const [response] = responses;
  assert.ok(response.kind === "error");
  assert.deepEqual(response.causes, [{
    code: CauseCode.DeleteLastAddress,
    request: Uint8Array.of(0xc0, 2, 0, 16, 0, 0, 0, 1, 0, 5, 0, 8, 10, 0, 0, 2),
  }]);
  assert.equal(dropped(puppet, "last-address"), 1);
  assert.deepEqual(remotesOf(puppet), ["10.0.0.1 10.0.0.2"]);
});

Deno.test("the source of the packet is not deleted (F8)", () => {
  const puppet = asconfPuppet({ peers: ["10.0.0.2", "10.0.0.3"] });
  assert.equal(outcome(puppet, "delete 10.0.0.2"), "1:a2");
  assert.equal(dropped(puppet, "source-address"), 1);
  assert.equal(wordsOf(answerIn(puppet.ask(["delete 10.0.0.2"], { from: "10.0.0.3" }))), "");
  assert.deepEqual(remotesOf(puppet), ["10.0.0.1 10.0.0.3"]);
});

Deno.test("requests are carried out in their order: add before delete, from the new address (5.3.2)", () => {
  const puppet = asconfPuppet();
  const sent = puppet.ask(["add 10.0.0.9", "delete 10.0.0.2"], { from: "10.0.0.9" });
  assert.equal(wordsOf(answerIn(sent)), "");
  assert.equal(sent[0].to, "10.0.0.9");
  assert.deepEqual(remotesOf(puppet), ["10.0.0.1 10.0.0.9"]);
});

Deno.test("the wildcard adds, prefers and keeps the source of the packet (sections 4.2.1 to 4.2.4)", () => {
  const puppet = asconfPuppet({ peers: ["10.0.0.2", "10.0.0.3"] });
  const from = { from: "10.0.0.9", encapsulationPort: 4711 };
  const sent = puppet.ask(["add 0.0.0.0", "set-primary 0.0.0.0"], from, "0.0.0.0");
  assert.equal(wordsOf(answerIn(sent)), "");
  assert.equal(sent[0].to, "10.0.0.9");
  assert.equal(sent[0].encapsulationPort, 4711, "the NAT has its own UDP port");
  assert.equal(puppet.association.primaryPath?.remote.text, "10.0.0.9");
  puppet.answerHeartbeats([...sent, ...puppet.wait(5000)]);
  puppet.ask(["delete 0.0.0.0"], from);
  assert.deepEqual(remotesOf(puppet), ["10.0.0.1 10.0.0.9"]);
  assert.deepEqual(addressEvents(puppet), [
    "10.0.0.9 added",
    "10.0.0.9 made-primary",
    "10.0.0.2 removed",
    "10.0.0.3 removed",
  ]);
});

Deno.test("the wildcard deletes nothing for a packet from an address that is not the peer's", () => {
  const puppet = asconfPuppet({ peers: ["10.0.0.2", "10.0.0.3"] });
  const sent = puppet.ask(["delete 0.0.0.0"], { from: "10.0.0.9" });
  assert.equal(wordsOf(answerIn(sent)), "1:5");
  assert.equal(sent[0].to, "10.0.0.9");
  assert.equal(dropped(puppet, "unknown-address"), 1);
  assert.equal(puppet.association.paths.length, 2);
});

Deno.test("a primary is chosen among the peer's addresses only (section 5.4)", () => {
  const puppet = asconfPuppet({ peers: ["10.0.0.2", "10.0.0.3"] });
  assert.equal(outcome(puppet, "set-primary 10.0.0.9"), "1:5");
  assert.equal(puppet.association.primaryPath?.remote.text, "10.0.0.2");
  assert.equal(outcome(puppet, "set-primary 10.0.0.3"), "");
  assert.deepEqual(puppet.submit(10).map(({ to }) => to), ["10.0.0.3"]);
});

Deno.test("what cannot be an address of a host elsewhere is refused", () => {
  const puppet = asconfPuppet();
  for (const text of ["224.0.0.1", "127.0.0.1", "169.254.1.1", "255.255.255.255", "fd00::1"]) {
    const before = dropped(puppet, "bad-address");
    assert.equal(outcome(puppet, `add ${text}`), "1:a4", text);
    assert.equal(dropped(puppet, "bad-address"), before + 1, text);
  }
  assert.deepEqual(remotesOf(puppet), ["10.0.0.1 10.0.0.2"]);
});

Deno.test("an address that is there is added without effect", () => {
  const puppet = asconfPuppet();
  assert.equal(outcome(puppet, "add 10.0.0.2"), "");
  assert.deepEqual(addressEvents(puppet), []);
});

Deno.test("once a change has failed, later ones of its chunk fail, wishes do not (F11)", () => {
  const puppet = asconfPuppet({ peers: ["10.0.0.2", "10.0.0.3"] });
  const answer = outcome(
    puppet,
    "add 224.0.0.1",
    "delete 10.0.0.3",
    "set-primary 10.0.0.3",
    "add 10.0.0.4",
  );
  assert.equal(answer, "1:a4 2:a1 3 4:a1");
  assert.equal(puppet.association.paths.length, 2);
});

Deno.test("a request that is not known is reported, and the others are carried out (V2)", () => {
  const puppet = asconfPuppet();
  const chunk = puppet.asconf(["set-primary 10.0.0.2"]);
  // Set Primary Address becomes a parameter of an unknown type that asks for a report.
  chunk.set([0xc0, 0x0f], 16);
  const [response] = answerIn(puppet.sendAuth(chunk));
  assert.ok(response.kind === "error");
  assert.deepEqual(response.causes, [{
    code: CauseCode.UnrecognizedParameters,
    parameters: Uint8Array.of(0xc0, 15, 0, 16, 0, 0, 0, 1, 0, 5, 0, 8, 10, 0, 0, 2),
  }]);
});

Deno.test("a repeated request is answered as before, and carried out once (E2)", () => {
  const puppet = asconfPuppet();
  const asconf = puppet.asconf(["add 10.0.0.3", "delete 10.0.0.9"]);
  const first = puppet.sendAuth(asconf);
  const again = puppet.sendAuth(asconf);
  assert.deepEqual(
    chunksOfType(again, ChunkType.AsconfAck),
    chunksOfType(first, ChunkType.AsconfAck),
  );
  assert.deepEqual(addressEvents(puppet), ["10.0.0.3 added"]);
});

Deno.test("an old request without an answer that is kept, or one from the future, is dropped (E2, E5)", () => {
  const puppet = asconfPuppet();
  const old = puppet.asconf(["add 10.0.0.3"]);
  puppet.sendAuth(old);
  puppet.ask(["delete 10.0.0.3"]);
  const before = puppet.association.paths.length;
  assert.deepEqual(acksIn(puppet.sendAuth(old)), []);
  puppet.serial++;
  assert.deepEqual(acksIn(puppet.ask(["add 10.0.0.5"])), []);
  assert.equal(dropped(puppet, "bad-sequence"), 2);
  assert.equal(puppet.association.paths.length, before);
});

Deno.test("several requests in one packet are answered in their order, again too (E1-ext, E3)", () => {
  const puppet = asconfPuppet();
  const chunks = [puppet.asconf(["add 10.0.0.3"]), puppet.asconf(["add 10.0.0.4"])];
  for (const sent of [puppet.sendAuth(...chunks), puppet.sendAuth(...chunks)]) {
    const serials = acksIn(sent).map(({ serial }) => puppet.serial - serial);
    assert.deepEqual(serials, [2, 1]);
  }
});

Deno.test("a request for an association that never had its address is not from its peer", () => {
  const puppet = asconfPuppet();
  const sent = puppet.ask(["add 10.0.0.9"], { from: "10.0.0.9" }, "10.0.0.8");
  assert.deepEqual(sent, []);
  assert.equal(dropped(puppet, "unknown-source"), 1);
});

Deno.test("what is in flight to a deleted address is sent again to another one, once", () => {
  const puppet = asconfPuppet({ peers: ["10.0.0.2", "10.0.0.3"] });
  const first = puppet.submit(4000).filter(({ to }) => to === "10.0.0.2");
  assert.ok(first.length > 0);
  const sent = puppet.ask(["delete 10.0.0.2"], { from: "10.0.0.3" });
  const again = sent.filter(({ names }) => names.includes("DATA"));
  assert.deepEqual(puppet.offsets(again), puppet.offsets(first));
  assert.ok(again.every(({ to }) => to === "10.0.0.3"));
});

Deno.test("chunks that a gap block reported, and that are taken back, go by the path that is left", () => {
  const puppet = asconfPuppet({ peers: ["10.0.0.2", "10.0.0.3", "10.0.0.4"] });
  puppet.submit(4000);
  puppet.ack(0, { gaps: [[2, 3]] });
  puppet.ask(["delete 10.0.0.2"], { from: "10.0.0.4" });
  // The peer no longer has what it reported: the chunks are in flight again, and their timer runs.
  puppet.ack(1);
  const sent = puppet.wait(10_000).filter(({ names }) => names.includes("DATA"));
  assert.ok(sent.length > 0 && sent.every(({ to }) => to !== "10.0.0.2"));
});

Deno.test("with every proved address gone, data waits for the proof of the one that is left", () => {
  const puppet = asconfPuppet();
  puppet.submit(1000);
  const sent = puppet.ask(["add 10.0.0.9", "delete 10.0.0.2"], { from: "10.0.0.9" });
  assert.deepEqual(puppet.offsets(sent), [], "nothing goes to an address that is not proved");
  puppet.submit(1000);
  const probes = chunksOfType(sent, ChunkType.Heartbeat).length > 0 ? sent : puppet.wait(10);
  const after = puppet.answerHeartbeats(probes);
  assert.deepEqual(puppet.offsets(after), [0, 1]);
  assert.ok(after.every(({ to }) => to === "10.0.0.9"));
});

Deno.test("an association whose only address is never proved ends", () => {
  const puppet = asconfPuppet();
  puppet.submit(1000);
  puppet.ask(["add 10.0.0.9", "delete 10.0.0.2"], { from: "10.0.0.9" });
  puppet.subject.advance(2_000_000);
  assert.ok(puppet.subject.eventKinds.includes("communication-lost"));
});

Deno.test("changes are refused where the parameter says so (section 4.3.5)", () => {
  const puppet = asconfPuppet({ parameters: { acceptAddressChanges: 0 } });
  assert.equal(outcome(puppet, "add 10.0.0.3"), "1:a4");
  assert.equal(puppet.association.paths.length, 1);
});

Deno.test("a late copy of the INIT, which names a deleted address, is no restart with new addresses", () => {
  const puppet = asconfPuppet({ peers: ["10.0.0.2", "10.0.0.3"] });
  puppet.ask(["delete 10.0.0.3"]);
  assert.deepEqual(namesOf(puppet.requestInitAck()), ["INIT ACK"]);
  const restarted = puppet.requestInitAck({ initiateTag: puppet.tag + 1 });
  assert.deepEqual(namesOf(restarted), ["ABORT"], "one of another incarnation is");
});
