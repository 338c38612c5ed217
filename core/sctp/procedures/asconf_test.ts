/** Asking the peer for changes of this side's addresses (RFC 5061, sections 5.1 and 5.3). */
import assert from "node:assert/strict";
import type { Association } from "../association.ts";
import { instant } from "../base/time.ts";
import {
  acksIn,
  type AsconfPuppet,
  asconfPuppet,
  asconfsIn,
  onlyAsconf,
  wordsOf,
} from "../testing/asconf.ts";
import type { AuthPuppetOptions } from "../testing/auth_puppet.ts";
import { encodeHeartbeat } from "../wire/heartbeat.ts";
import { chunksOfType, namesOf, type SentPacket } from "../testing/sent_packet.ts";
import { address, localAddresses } from "../testing/test_endpoint.ts";
import { encodeAbort } from "../wire/abort.ts";
import { encodeAsconfAck } from "../wire/asconf.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeError } from "../wire/error.ts";
import { CauseCode, type ErrorCause } from "../wire/error_cause.ts";
import { AddressChangeError } from "./address_changes.ts";
import { Puppet } from "../testing/puppet.ts";

const SECOND = "10.0.0.11";
const SHORTAGE: ErrorCause = { code: CauseCode.ResourceShortage, request: new Uint8Array(16) };

/** The subject's user does something; returns what leaves. */
function command(puppet: Puppet, what: (association: Association) => void): SentPacket[] {
  puppet.subject.do(() => what(puppet.association));
  return puppet.subject.take();
}

function add(puppet: Puppet, text = SECOND, throughNat = false): SentPacket[] {
  return command(
    puppet,
    (association) => association.addLocalAddress(puppet.subject.now, address(text), { throughNat }),
  );
}

function remove(puppet: Puppet, text: string): SentPacket[] {
  return command(
    puppet,
    (association) => association.deleteLocalAddress(puppet.subject.now, address(text)),
  );
}

function prefer(puppet: Puppet, text: string): SentPacket[] {
  return command(puppet, (association) => association.setPeerPrimary(address(text)));
}

function hostHas(puppet: Puppet, ...texts: string[]): SentPacket[] {
  puppet.subject.do((endpoint, now) => endpoint.handleNetworkChange(now, localAddresses(texts)));
  return puppet.subject.take();
}

function pathsOf({ association }: Puppet): string[] {
  return association.paths.map(({ local, remote }) => `${local} ${remote}`);
}

/** "10.0.0.11 added", "10.0.0.1 refused delete" */
function events({ subject }: Puppet): string[] {
  return subject.events.flatMap((event) => {
    if (event.kind !== "local-address") return [];
    const { address, change } = event;
    return [`${address} ${change}${event.change === "refused" ? ` ${event.action}` : ""}`];
  });
}

/** A puppet whose subject has both addresses. */
function withTwo(options: AuthPuppetOptions = {}): AsconfPuppet {
  const puppet = asconfPuppet(options);
  puppet.answerHeartbeats(puppet.acknowledge(add(puppet)));
  puppet.answerHeartbeats(puppet.wait(3000));
  return puppet;
}

Deno.test("an address is asked for, authenticated, from one that the peer knows (A1, A2)", () => {
  const puppet = asconfPuppet();
  const { asconf, packet } = onlyAsconf(add(puppet));
  assert.equal(wordsOf(asconf), "add 10.0.0.11");
  assert.equal(asconf.serial, puppet.subjectTsn);
  assert.equal(asconf.lookup.text, "10.0.0.1");
  assert.equal(packet.from, "10.0.0.1");
  puppet.check(packet);
});

Deno.test("nothing leaves from the address until the peer agrees, then it is probed and used (F1, F2)", () => {
  const puppet = asconfPuppet();
  const asked = add(puppet);
  const [, joining] = puppet.association.paths;
  const before = puppet.sendIn({ to: SECOND }, encodeHeartbeat(Uint8Array.of(0, 1, 0, 5, 1)));
  assert.deepEqual(before, [], "not even a HEARTBEAT ACK");
  puppet.data();
  assert.ok(puppet.wait(100).every(({ from }) => from === "10.0.0.1"));
  const sent = [...puppet.acknowledge(asked), ...puppet.wait(0)];
  assert.deepEqual(events(puppet), ["10.0.0.11 added"]);
  const isProbe = /HEARTBEAT(?! ACK)/;
  const probes = sent.filter(({ from, names }) => from === SECOND && isProbe.test(names));
  assert.equal(probes.length, 1);
  const answers = chunksOfType(sent.filter(({ from }) => from === SECOND), ChunkType.HeartbeatAck);
  assert.equal(answers.length, 1, "the HEARTBEAT is answered now");
  puppet.answerHeartbeats(probes);
  assert.equal(joining.status, "active");
});

Deno.test("an address that the peer refuses is not used (F10)", () => {
  const puppet = asconfPuppet();
  puppet.acknowledge(add(puppet), { 0: SHORTAGE });
  assert.deepEqual(pathsOf(puppet), ["10.0.0.1 10.0.0.2"]);
  assert.deepEqual(events(puppet), ["10.0.0.11 refused add"]);
  puppet.sendIn({ to: SECOND }, encodeHeartbeat(Uint8Array.of(0, 1, 0, 5, 1)));
  assert.deepEqual(pathsOf(puppet), ["10.0.0.1 10.0.0.2"], "and a packet there makes no path");
  assert.equal(
    onlyAsconf(add(puppet)).asconf.serial,
    puppet.subjectTsn + 1,
    "it can be tried again",
  );
});

Deno.test("one ASCONF is under way; what is wanted meanwhile shares the next one (A3, C1)", () => {
  const puppet = asconfPuppet();
  const first = add(puppet);
  assert.deepEqual(asconfsIn(add(puppet, "10.0.0.12")), []);
  assert.deepEqual(asconfsIn(add(puppet, "10.0.0.13")), []);
  const { asconf } = onlyAsconf(puppet.acknowledge(first));
  assert.equal(wordsOf(asconf), "add 10.0.0.12, add 10.0.0.13");
  assert.equal(asconf.serial, puppet.subjectTsn + 1);
  const ids = asconf.requests.map(({ correlation }) => correlation);
  assert.equal(new Set(ids).size, 2, "each has its own Correlation ID");
});

Deno.test("an ASCONF that is not answered goes again as it was, by another path (B1 to B5)", () => {
  const puppet = asconfPuppet({ peers: ["10.0.0.2", "10.0.0.3"] });
  const { packet } = onlyAsconf(add(puppet));
  const { rto } = puppet.association.paths[0];
  const errors = puppet.association.paths[0].errorCount;
  const again = onlyAsconf(puppet.wait(rto));
  const [sent, sentAgain] = [packet, again.packet].map(({ chunks }) =>
    chunks.find(([type]) => type === ChunkType.Asconf)
  );
  assert.deepEqual(sentAgain, sent);
  assert.notEqual(`${again.packet.from} ${again.packet.to}`, `${packet.from} ${packet.to}`);
  assert.equal(puppet.association.paths[0].errorCount, errors + 1);
  assert.equal(puppet.association.paths[0].rto, 2 * rto);
  puppet.acknowledge([again.packet]);
  assert.equal(puppet.association.tx.errorCount, 0, "the answer forgives");
  assert.deepEqual(asconfsIn(puppet.wait(60_000)), [], "and stops the timer");
});

Deno.test("an ASCONF without any answer ends the association (B2)", () => {
  const puppet = asconfPuppet({ parameters: { heartbeat: 0 } });
  add(puppet);
  const sent = puppet.wait(2_000_000);
  assert.ok(asconfsIn(sent).length >= 10);
  assert.ok(puppet.subject.eventKinds.includes("communication-lost"));
});

Deno.test("what follows a failed request has failed, unless its success is told (A7)", () => {
  const puppet = asconfPuppet();
  const first = add(puppet);
  add(puppet, "10.0.0.12");
  add(puppet, "10.0.0.13");
  add(puppet, "10.0.0.14");
  const asked = puppet.acknowledge(first);
  const { asconf: { serial, requests } } = onlyAsconf(asked);
  puppet.sendAuth(encodeAsconfAck({
    serial,
    responses: [
      { kind: "error", correlation: requests[0].correlation, causes: [SHORTAGE] },
      { kind: "success", correlation: requests[2].correlation },
    ],
  }));
  assert.deepEqual(events(puppet), [
    "10.0.0.11 added",
    "10.0.0.12 refused add",
    "10.0.0.13 refused add",
    "10.0.0.14 added",
  ]);
});

Deno.test("a peer that does not know ASCONF is not asked again (A9)", () => {
  const puppet = asconfPuppet();
  const { packet } = onlyAsconf(add(puppet));
  const chunk = packet.chunks.find(([type]) => type === ChunkType.Asconf);
  assert.ok(chunk);
  puppet.send(encodeError([{ code: CauseCode.UnrecognizedChunkType, chunk }]));
  assert.deepEqual(asconfsIn(puppet.wait(60_000)), []);
  assert.deepEqual(asconfsIn(add(puppet)), []);
  assert.deepEqual(events(puppet), ["10.0.0.11 refused add", "10.0.0.11 refused add"]);
});

Deno.test("an action that the peer does not understand is not asked for again (F3a, F3b)", () => {
  const puppet = withTwo();
  const cause = { code: CauseCode.UnrecognizedParameters, parameters: new Uint8Array(16) } as const;
  puppet.acknowledge(prefer(puppet, SECOND), { 0: cause });
  assert.deepEqual(asconfsIn(prefer(puppet, SECOND)), []);
  assert.equal(asconfsIn(add(puppet, "10.0.0.12")).length, 1, "another action is");
});

Deno.test("an answer to an ASCONF that was never sent ends the association (F0)", () => {
  const puppet = asconfPuppet();
  const sent = puppet.sendAuth(encodeAsconfAck({ serial: puppet.subjectTsn + 5, responses: [] }));
  assert.deepEqual(namesOf(sent), ["ABORT"]);
  const [abort] = chunksOfType(sent, ChunkType.Abort);
  assert.deepEqual([...abort.slice(4, 8)], [0, 0xa3, 0, 4]);
});

Deno.test("an old answer is ignored", () => {
  const puppet = asconfPuppet();
  const asked = add(puppet);
  puppet.acknowledge(asked);
  puppet.acknowledge(asked);
  assert.equal(puppet.association.state, "ESTABLISHED");
  assert.equal(puppet.subject.endpoint.metrics.dropped["bad-sequence"], 1);
});

Deno.test("an answer that is not authenticated is none", () => {
  const puppet = asconfPuppet();
  add(puppet);
  puppet.send(encodeAsconfAck({ serial: puppet.subjectTsn, responses: [] }));
  assert.deepEqual(events(puppet), []);
  assert.equal(puppet.subject.endpoint.metrics.dropped["unauthenticated-chunk"], 1);
});

Deno.test("an address that leaves is no source any more, yet packets are taken there (F4, F6)", () => {
  const puppet = withTwo();
  const asked = remove(puppet, "10.0.0.1");
  const { asconf, packet } = onlyAsconf(asked);
  assert.equal(wordsOf(asconf), "delete 10.0.0.1");
  assert.equal(packet.from, SECOND);
  puppet.data();
  assert.ok(puppet.subject.associations[0].readableBytes > 0);
  puppet.read();
  const sent = [...puppet.submit(100), ...puppet.wait(500)];
  assert.ok(sent.length > 0 && sent.every(({ from }) => from === SECOND), namesOf(sent).join());
  // Section 5.3.1: an ABORT to the address answers what left from there before.
  puppet.send(encodeAbort(false, []));
  assert.equal(puppet.association.state, "ESTABLISHED");
  puppet.acknowledge(asked);
  assert.deepEqual(pathsOf(puppet), ["10.0.0.11 10.0.0.2"]);
  assert.deepEqual(events(puppet).slice(1), ["10.0.0.1 removed"]);
  const before = puppet.subject.endpoint.metrics.dropped["unknown-source"];
  puppet.data();
  assert.equal(puppet.subject.endpoint.metrics.dropped["unknown-source"], before + 1);
  assert.deepEqual(pathsOf(puppet), ["10.0.0.11 10.0.0.2"]);
});

Deno.test("data in flight from an address that left is sent again from another one", () => {
  const puppet = withTwo();
  const first = puppet.submit(4000);
  assert.ok(first.every(({ from }) => from === "10.0.0.1"));
  const sent = puppet.acknowledge(remove(puppet, "10.0.0.1"));
  const again = sent.filter(({ names }) => names.includes("DATA"));
  assert.deepEqual(puppet.offsets(again), puppet.offsets(first));
  assert.ok(again.every(({ from }) => from === SECOND));
});

Deno.test("an address that the peer keeps is used as before", () => {
  const puppet = withTwo();
  puppet.acknowledge(remove(puppet, "10.0.0.1"), { 0: SHORTAGE });
  assert.deepEqual(events(puppet).slice(1), ["10.0.0.1 refused delete"]);
  assert.ok(puppet.submit(100).every(({ from }) => from === "10.0.0.1"));
});

Deno.test("an address that the peer does not know is deleted all the same", () => {
  const puppet = withTwo();
  const cause = { code: CauseCode.UnresolvableAddress, parameter: new Uint8Array(8) } as const;
  puppet.acknowledge(remove(puppet, "10.0.0.1"), { 0: cause });
  assert.deepEqual(events(puppet).slice(1), ["10.0.0.1 removed"]);
});

Deno.test("the last address is not deleted, counting what is under way (F5)", () => {
  const puppet = asconfPuppet();
  const isLast = /cannot delete 10.0.0.1: it is the last of this side's addresses/;
  assert.throws(() => remove(puppet, "10.0.0.1"), isLast);
  const asked = add(puppet);
  remove(puppet, "10.0.0.1");
  assert.throws(() => remove(puppet, SECOND), /cannot delete 10.0.0.11: it is the last/);
  // The peer refuses the address that was to take its place.
  assert.deepEqual(asconfsIn(puppet.acknowledge(asked, { 0: SHORTAGE })), []);
  assert.deepEqual(events(puppet), ["10.0.0.11 refused add", "10.0.0.1 refused delete"]);
});

Deno.test("a new address has a path to each of the peer's, as nobody knows where its uplink leads", () => {
  const puppet = asconfPuppet({ peers: ["10.0.0.2", "10.0.0.3"] });
  const asked = add(puppet);
  puppet.acknowledge(asked);
  assert.deepEqual(pathsOf(puppet).filter((path) => path.startsWith(SECOND)), [
    "10.0.0.11 10.0.0.2",
    "10.0.0.11 10.0.0.3",
  ]);
});

Deno.test("the only address is exchanged by one ASCONF from the new one (section 5.3.2)", () => {
  const puppet = asconfPuppet();
  hostHas(puppet);
  puppet.submit(1000);
  hostHas(puppet, SECOND);
  const asked = [...add(puppet), ...remove(puppet, "10.0.0.1")];
  const { asconf, packet } = onlyAsconf(asked);
  assert.equal(packet.from, SECOND);
  assert.equal(asconf.lookup.text, "10.0.0.1");
  assert.equal(wordsOf(asconf), "add 10.0.0.11");
  const then = puppet.acknowledge(asked);
  assert.equal(wordsOf(onlyAsconf(then).asconf), "delete 10.0.0.1");
  const after = puppet.acknowledge(then);
  assert.deepEqual(pathsOf(puppet), ["10.0.0.11 10.0.0.2"]);
  const data = [...then, ...after].filter(({ names }) => names.includes("DATA"));
  assert.deepEqual(
    puppet.offsets(data),
    [0],
    "the answer has proved the path: data goes on at once",
  );
});

Deno.test("an ASCONF whose source is gone from the host leaves at once from what there is", () => {
  const puppet = asconfPuppet();
  onlyAsconf(add(puppet));
  const { packet } = onlyAsconf(hostHas(puppet, SECOND));
  assert.equal(packet.from, SECOND);
});

Deno.test("behind a NAT the wildcard stands for the address, and the packet leaves from it", () => {
  const puppet = asconfPuppet();
  const asked = add(puppet, SECOND, true);
  const { asconf, packet } = onlyAsconf(asked);
  assert.equal(wordsOf(asconf), "add 0.0.0.0");
  assert.equal(asconf.lookup.text, "0.0.0.0");
  assert.equal(packet.from, SECOND);
  const again = onlyAsconf(puppet.wait(puppet.association.paths[1].rto));
  assert.equal(again.packet.from, SECOND, "also when it goes again");
  puppet.acknowledge([again.packet]);
  const preferred = onlyAsconf(prefer(puppet, SECOND));
  assert.equal(wordsOf(preferred.asconf), "set-primary 0.0.0.0");
  assert.equal(preferred.packet.from, SECOND);
  puppet.acknowledge([preferred.packet]);
  const removed = onlyAsconf(remove(puppet, SECOND));
  assert.equal(wordsOf(removed.asconf), "delete 0.0.0.0", "all but the source of this");
  assert.equal(removed.packet.from, "10.0.0.1");
});

Deno.test("one of several hidden addresses is deleted on this side alone", () => {
  const puppet = withTwo();
  puppet.acknowledge(add(puppet, "10.0.0.12", true));
  assert.deepEqual(asconfsIn(remove(puppet, "10.0.0.12")), []);
  assert.deepEqual(pathsOf(puppet), ["10.0.0.1 10.0.0.2", "10.0.0.11 10.0.0.2"]);
});

Deno.test("the peer is asked to prefer an address of this side (SCTP_SET_PEER_PRIMARY_ADDR)", () => {
  const puppet = withTwo();
  const asked = prefer(puppet, SECOND);
  assert.equal(wordsOf(onlyAsconf(asked).asconf), "set-primary 10.0.0.11");
  puppet.acknowledge(asked);
  assert.deepEqual(events(puppet).slice(1), ["10.0.0.11 made-primary"]);
  assert.throws(
    () => prefer(puppet, "10.0.0.77"),
    /cannot prefer 10.0.0.77: this side has 10.0.0.1, 10.0.0.11/,
  );
});

Deno.test("two sides that delete crosswise: an address that leaves counts for nothing (F7)", () => {
  const addresses = ["10.0.0.1", "fd00::1"];
  const puppet = asconfPuppet({ addresses, peers: ["10.0.0.2", "fd00::2"] });
  assert.deepEqual(pathsOf(puppet), ["10.0.0.1 10.0.0.2", "fd00::1 fd00::2"]);
  remove(puppet, "fd00::1");
  const [{ responses: [response] }] = acksIn(
    puppet.ask(["delete 10.0.0.2"], { from: "fd00::2", to: "fd00::1" }),
  );
  assert.ok(response.kind === "error");
  assert.equal(response.causes[0].code, CauseCode.DeleteLastAddress);
  assert.deepEqual(pathsOf(puppet), ["10.0.0.1 10.0.0.2", "fd00::1 fd00::2"]);
});

Deno.test("a deleted address can be added again, behind the deletion", () => {
  const puppet = withTwo();
  const asked = remove(puppet, "10.0.0.1");
  assert.deepEqual(asconfsIn(add(puppet, "10.0.0.1")), []);
  const then = puppet.acknowledge(asked);
  assert.equal(wordsOf(onlyAsconf(then).asconf), "add 10.0.0.1");
  puppet.acknowledge(then);
  assert.deepEqual(pathsOf(puppet), ["10.0.0.11 10.0.0.2", "10.0.0.1 10.0.0.2"]);
  puppet.data();
  assert.ok(puppet.association.readableBytes > 0, "packets are taken there again");
});

Deno.test("changes that cannot be asked for say why", () => {
  const hasCode = (code: string) => (error: unknown) =>
    error instanceof AddressChangeError && error.code === code;
  const without = new Puppet();
  without.connect();
  assert.throws(() => add(without), hasCode("not-supported"));
  const asking = new Puppet();
  asking.beAsked();
  assert.throws(() => add(asking), hasCode("not-established"));
  const puppet = asconfPuppet();
  assert.throws(() => add(puppet, "10.0.0.1"), /10.0.0.1 is an address of association 1 already/);
  assert.throws(() => add(puppet, "fd00::1"), /cannot add fd00::1: none of the peer's addresses/);
  assert.throws(() => remove(puppet, "10.0.0.9"), /cannot delete 10.0.0.9: this side has 10.0.0.1/);
});

Deno.test("the timer of a path that was deleted never fires", () => {
  const puppet = withTwo();
  puppet.submit(4000);
  puppet.acknowledge(remove(puppet, "10.0.0.1"));
  puppet.subject.now = instant(puppet.subject.now);
  const sent = puppet.wait(60_000);
  assert.ok(sent.every(({ from }) => from === SECOND));
});
