/** Monitoring of paths and what errors do to them (RFC 9260, sections 8.1 to 8.3). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { parameter, rawChunk } from "../testing/chunks.ts";
import { Puppet, type PuppetOptions } from "../testing/puppet.ts";
import { chunkOfType, chunksOfType, namesOf, type SentPacket } from "../testing/sent_packet.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeHeartbeat, encodeHeartbeatAck } from "../wire/heartbeat.ts";

const TWO = { addresses: ["10.0.0.1", "10.0.1.1"], peers: ["10.0.0.2", "10.0.1.2"] };

function connected(options: PuppetOptions = {}): Puppet {
  const puppet = new Puppet(options);
  puppet.connect();
  return puppet;
}

/** Two confirmed paths. */
function multihomed(options: PuppetOptions = {}): Puppet {
  const puppet = new Puppet({ ...TWO, ...options });
  puppet.accept();
  return puppet;
}

function heartbeatTimes(packets: readonly SentPacket[]): number[] {
  return packets.filter(({ names }) => names.includes("HEARTBEAT")).map(({ at }) => at);
}

/** Lets time pass with a peer that answers on some addresses only; what was sent. */
function attend(puppet: Puppet, milliseconds: number, answers: readonly string[]): SentPacket[] {
  const end = puppet.subject.now + milliseconds;
  const sent: SentPacket[] = [];
  while (puppet.subject.now < end) {
    const packets = puppet.wait(50);
    sent.push(...packets);
    puppet.answerHeartbeats(packets.filter(({ to }) => answers.includes(to)));
  }
  return sent;
}

function statusesOf(puppet: Puppet): string[] {
  return puppet.association.paths.map(({ status }) => status);
}

// Section 8.3: answering.

Deno.test("HEARTBEAT ACK returns every parameter unchanged, where the HEARTBEAT came from (RFC 9260, section 8.3)", () => {
  const puppet = multihomed();
  const values = Uint8Array.of(
    ...parameter(1, Uint8Array.of(1, 2, 3, 4, 5)),
    ...parameter(0x4711, Uint8Array.of(9)),
  );
  const chunk = rawChunk(ChunkType.Heartbeat, 0, values);
  const packets = puppet.sendIn({ from: "10.0.1.2", to: "10.0.1.1" }, chunk);
  assert.deepEqual(packets.map(({ names, to }) => [names, to]), [["HEARTBEAT ACK", "10.0.1.2"]]);
  assert.deepEqual(packets[0].chunks[0].slice(4), values);
});

Deno.test("a HEARTBEAT is answered in COOKIE-ECHOED already (section 8.3)", () => {
  const puppet = new Puppet();
  puppet.bring("COOKIE-ECHOED");
  assert.deepEqual(namesOf(puppet.send(encodeHeartbeat(new Uint8Array(4)))), ["HEARTBEAT ACK"]);
});

// Section 8.3: sending.

Deno.test("an idle path is probed each RTO plus HB.interval, give or take half an RTO (section 8.3)", () => {
  const puppet = connected({ parameters: { hbInterval: 10_000, rtoMin: 1000 } });
  const times = heartbeatTimes(attend(puppet, 200_000, ["10.0.0.2"]));
  const gaps = times.slice(1).map((at, i) => at - times[i]);
  assert.ok(gaps.length > 10);
  for (const gap of gaps) assert.ok(gap >= 10_400 && gap <= 11_600, `${gap} ms`);
  assert.ok(Math.max(...gaps) - Math.min(...gaps) > 200, "with jitter");
});

Deno.test("a path with data under way needs no probe; an idle one beside it does", () => {
  const puppet = multihomed({ parameters: { hbInterval: 1000, noDelay: 1 } });
  const [busy] = puppet.association.paths;
  const before = busy.metrics.heartbeatsSent;
  for (let i = 1; i <= 100; i++) {
    puppet.submit(10);
    puppet.ack(i);
    attend(puppet, 100, TWO.peers);
  }
  assert.equal(busy.metrics.heartbeatsSent, before);
  assert.ok(puppet.association.paths[1].metrics.heartbeatsSent >= 3);
});

Deno.test("a HEARTBEAT ACK measures the RTT (section 8.3)", () => {
  const puppet = connected({ parameters: { hbInterval: 0, rtoMin: 100 } });
  const [path] = puppet.association.paths;
  let packets: SentPacket[] = [];
  while (packets.length === 0) packets = puppet.wait(1);
  puppet.wait(42);
  puppet.answerHeartbeats(packets);
  assert.equal(Math.round(path.srtt), 43);
});

Deno.test("probes of a failing path follow the RTO as it doubles (section 8.3; RFC 7829, section 3.2, 6)", () => {
  const puppet = connected({ parameters: { hbInterval: 1000, pathMaxRetrans: 5 } });
  const times = heartbeatTimes(puppet.wait(40_000));
  const gaps = times.slice(1).map((at, i) => Math.round(at - times[i]));
  assert.deepEqual(gaps.slice(0, 4), [1000, 2000, 4000, 8000]);
});

Deno.test("a nonce is 64 random bits and never the same", () => {
  const puppet = connected({ parameters: { hbInterval: 0 } });
  const infos = chunksOfType(attend(puppet, 20_000, ["10.0.0.2"]), ChunkType.Heartbeat)
    .map((chunk) => chunk.slice(8).join());
  assert.ok(infos.length > 10);
  assert.equal(new Set(infos).size, infos.length);
});

Deno.test("heartbeats can be switched off for a path, and on again (section 8.3, A and C)", () => {
  const puppet = connected({ parameters: { hbInterval: 1000 } });
  const [path] = puppet.association.paths;
  path.heartbeatEnabled = false;
  assert.deepEqual(heartbeatTimes(puppet.wait(60_000)), []);
  path.heartbeatEnabled = true;
  assert.ok(heartbeatTimes(puppet.wait(5000)).length > 0);
});

Deno.test("a HEARTBEAT can be asked for at any time (section 8.3, D)", () => {
  const puppet = multihomed();
  const [, second] = puppet.association.paths;
  puppet.subject.do((_, now) => puppet.association.requestHeartbeat(now, second));
  const [packet] = puppet.subject.take();
  assert.deepEqual([packet.names, packet.to], ["HEARTBEAT", "10.0.1.2"]);
});

Deno.test("none can be asked for before the association is up", () => {
  const puppet = new Puppet();
  puppet.bring("COOKIE-WAIT");
  const [path] = puppet.association.paths;
  puppet.subject.do((_, now) => puppet.association.requestHeartbeat(now, path));
  assert.deepEqual(puppet.subject.take(), []);
});

// Section 8.2: path failure.

Deno.test("Path.Max.Retrans errors make a path inactive, and the user is told (section 8.2)", () => {
  const puppet = multihomed({ parameters: { hbInterval: 1000, pathMaxRetrans: 2, rtoMax: 2000 } });
  puppet.subject.events.length = 0;
  const [, second] = puppet.association.paths;
  attend(puppet, 30_000, ["10.0.0.2"]);
  assert.deepEqual(statusesOf(puppet), ["active", "inactive"]);
  const changes = puppet.subject.events.filter((event) => event.kind === "path-status");
  assert.deepEqual(changes.map(({ path, status }) => [path.index, status]), [[1, "inactive"]]);
  assert.equal(second.errorCount, 3, "and the counter stops (section 8.3)");
  assert.equal(puppet.association.state, "ESTABLISHED", "another path's errors are no one's end");
});

Deno.test("an answer makes an inactive path active again, clears its errors, and is reported (section 8.2)", () => {
  const puppet = multihomed({ parameters: { hbInterval: 1000, pathMaxRetrans: 2, rtoMax: 2000 } });
  attend(puppet, 30_000, ["10.0.0.2"]);
  puppet.subject.events.length = 0;
  attend(puppet, 10_000, TWO.peers);
  assert.deepEqual(statusesOf(puppet), ["active", "active"]);
  assert.equal(puppet.association.paths[1].errorCount, 0);
  assert.deepEqual(puppet.subject.eventKinds, ["path-status"]);
});

Deno.test("an acknowledgement of DATA clears the errors of its path (section 8.2)", () => {
  const puppet = connected({ parameters: { noDelay: 1 } });
  puppet.submit(100);
  puppet.wait(1100);
  const [path] = puppet.association.paths;
  assert.equal(path.errorCount, 1);
  puppet.ack(1);
  assert.equal(path.errorCount, 0);
  assert.equal(puppet.association.tx.errorCount, 0);
});

Deno.test("an acknowledgement of what was sent on two paths clears no errors (section 8.2; RFC 7829, 3.2, 9)", () => {
  const puppet = multihomed({ parameters: { noDelay: 1, hbInterval: 60_000 } });
  puppet.submit(100);
  puppet.wait(1100);
  const [first, second] = puppet.association.paths;
  assert.equal(first.errorCount, 1);
  puppet.ack(1);
  assert.equal(first.errorCount, 1);
  assert.equal(second.errorCount, 0);
});

// Sections 6.4 and 6.4.1: failover.

/** RFC 7829, section 5, item 6: data goes back to the primary path whenever it can. */
const SWITCHBACK = { primarySwitchoverMaxRetrans: 65_535 };

Deno.test("a primary path that fails is primary no more: data stays where it went (RFC 7829, section 5)", () => {
  const puppet = multihomed({ parameters: { noDelay: 1 } });
  puppet.submit(100);
  const probes = puppet.wait(1100).filter(({ names, to }) =>
    names === "HEARTBEAT" && to === "10.0.0.2"
  );
  puppet.ack(1);
  puppet.answerHeartbeats(probes.slice(0, 1));
  assert.equal(puppet.association.paths[0].errorCount, 0, "it works again");
  assert.equal(puppet.submit(100)[0].to, "10.0.1.2");
  assert.equal(puppet.association.primaryPath?.remote.text, "10.0.1.2");
  const changes = puppet.subject.events.filter(({ kind }) => kind === "peer-address");
  assert.deepEqual(
    changes.map((event) => event.kind === "peer-address" && `${event.address} ${event.change}`),
    ["10.0.1.2 made-primary"],
  );
});

Deno.test("a primary path is given up for good after as many errors as the user says, and not for a worse one", () => {
  const patient = multihomed({ parameters: { noDelay: 1, primarySwitchoverMaxRetrans: 1 } });
  patient.submit(100);
  patient.wait(1100);
  const [first, second] = patient.association.paths;
  assert.equal(patient.association.primaryPath, first);
  patient.wait(3000);
  assert.equal(first.errorCount > 1, true);
  assert.equal(patient.association.primaryPath === first, second.isPotentiallyFailed);
  const alone = new Puppet({ parameters: { noDelay: 1 } });
  alone.connect();
  alone.submit(100);
  alone.wait(5000);
  assert.equal(alone.association.primaryPath, alone.association.paths[0]);
});

Deno.test("with switchback data leaves by the other path after one time-out, and returns with the first answer (6.4.1; RFC 7829)", () => {
  const puppet = multihomed({ parameters: { noDelay: 1, ...SWITCHBACK } });
  assert.equal(puppet.submit(100)[0].to, "10.0.0.2");
  const packets = puppet.wait(1100);
  const again = packets.find(({ names }) => names === "DATA");
  assert.equal(again?.to, "10.0.1.2", "what timed out goes to another address (section 6.4)");
  puppet.ack(1);
  assert.equal(puppet.submit(100)[0].to, "10.0.1.2");
  puppet.ack(2);
  const probe = packets.find(({ names, to }) => names === "HEARTBEAT" && to === "10.0.0.2");
  assert.ok(probe, "the failing path is probed at once");
  puppet.answerHeartbeats([probe]);
  assert.equal(puppet.submit(100)[0].to, "10.0.0.2");
});

Deno.test("PotentiallyFailed.Max.Retrans errors are borne before data moves", () => {
  const puppet = multihomed({ parameters: { noDelay: 1, potentiallyFailedMaxRetrans: 2 } });
  puppet.submit(100);
  puppet.wait(1100);
  puppet.ack(1);
  assert.equal(puppet.submit(100)[0].to, "10.0.0.2");
});

Deno.test("data keeps to the primary path, also if the user changes it (sections 6.4 and 11.1.6)", () => {
  const puppet = multihomed({ parameters: { noDelay: 1 } });
  const [, second] = puppet.association.paths;
  puppet.subject.do(() => puppet.association.setPrimary(second));
  assert.equal(puppet.submit(100)[0].to, "10.0.1.2");
  assert.equal(puppet.association.primaryPath, second);
});

Deno.test("a primary path that is not confirmed yet gets no data; it does once it is", () => {
  const puppet = new Puppet({ ...TWO, parameters: { noDelay: 1 } });
  puppet.connect();
  const [, second] = puppet.association.paths;
  puppet.subject.do(() => puppet.association.setPrimary(second));
  assert.equal(puppet.submit(100)[0].to, "10.0.0.2");
  puppet.answerHeartbeats(puppet.wait(10));
  assert.equal(puppet.submit(100)[0].to, "10.0.1.2");
});

Deno.test("the alternate is the path that has least in common with the one that failed (section 6.4.1)", () => {
  const puppet = new Puppet({
    addresses: ["192.0.2.1", "198.51.100.1"],
    peers: ["203.0.113.1", "203.0.113.2", "203.0.113.3"],
    parameters: { noDelay: 1 },
  });
  puppet.accept();
  const paths = puppet.association.paths;
  assert.deepEqual(paths.map(({ local }) => local.text), [
    "192.0.2.1",
    "198.51.100.1",
    "192.0.2.1",
  ]);
  for (const path of paths) path.rtt.addSample(10);
  puppet.subject.do(() => puppet.association.setPrimary(paths[2]));
  puppet.submit(100);
  const again = puppet.wait(1100).find(({ names }) => names === "DATA");
  assert.equal(again?.from, "198.51.100.1");
});

Deno.test("of two alternates the one that was measured is chosen", () => {
  const puppet = new Puppet({
    addresses: ["10.0.0.1", "10.0.1.1", "10.0.2.1"],
    peers: ["10.0.0.2", "10.0.1.2", "10.0.2.2"],
    parameters: { noDelay: 1 },
  });
  puppet.accept();
  puppet.association.paths[2].rtt.addSample(10);
  puppet.submit(100);
  const again = puppet.wait(1100).find(({ names }) => names === "DATA");
  assert.equal(again?.to, "10.0.2.2");
});

Deno.test("what was sent on two paths proves neither when it is acknowledged (RFC 7829, section 3.2, item 9)", () => {
  const puppet = multihomed({ parameters: { noDelay: 1 } });
  const [first, second] = puppet.association.paths;
  first.errorCount = 1;
  second.errorCount = 1;
  puppet.submit(100);
  puppet.subject.do(() => puppet.association.setPrimary(second));
  const again = puppet.wait(1100).filter(({ names }) => names === "DATA");
  assert.equal(again.length, 1);
  puppet.ack(1);
  assert.ok(first.errorCount >= 1 && second.errorCount >= 1);
});

// Section 8.1: endpoint failure.

Deno.test("Association.Max.Retrans time-outs without an answer end the association (section 8.1)", () => {
  const puppet = connected({
    parameters: { noDelay: 1, associationMaxRetrans: 3, heartbeat: 0, pathMaxRetrans: 1 },
  });
  puppet.submit(100);
  const times = puppet.wait(60_000).filter(({ names }) => names === "DATA").map(({ at }) => at);
  assert.deepEqual(times.map((at) => at - 1000), [1000, 3000, 7000]);
  const event = puppet.subject.events.at(-1);
  assert.ok(event?.kind === "communication-lost" && event.reason.kind === "unreachable");
  assert.equal(puppet.subject.endpoint.pool.liveBytes, 0);
});

Deno.test("an idle association with a peer that is gone ends by its HEARTBEATs (section 8.1)", () => {
  const puppet = connected({
    parameters: { hbInterval: 1000, associationMaxRetrans: 3, rtoMax: 2000 },
  });
  puppet.wait(120_000);
  assert.equal(puppet.subject.eventKinds.at(-1), "communication-lost");
  assert.equal(puppet.subject.nextTimeout, Infinity);
});

Deno.test("HEARTBEATs on a path that carries no data do not count for the peer (section 8.1)", () => {
  const puppet = multihomed({
    parameters: { hbInterval: 500, associationMaxRetrans: 1, pathMaxRetrans: 10, rtoMax: 1000 },
  });
  attend(puppet, 60_000, ["10.0.0.2"]);
  assert.equal(puppet.association.state, "ESTABLISHED");
});

Deno.test("an answer to a HEARTBEAT clears the count for the peer (section 8.1)", () => {
  const puppet = connected({
    parameters: { hbInterval: 0, rtoMax: 1000, associationMaxRetrans: 5 },
  });
  let packets: SentPacket[] = [];
  for (let i = 0; i < 3; i++) packets = puppet.wait(1000);
  assert.ok(puppet.association.tx.errorCount > 0);
  puppet.answerHeartbeats(packets.slice(-1));
  assert.equal(puppet.association.tx.errorCount, 0);
});

Deno.test("a HEARTBEAT ACK that comes by another path speaks for the path of its HEARTBEAT", () => {
  const puppet = multihomed({ parameters: { hbInterval: 1000 } });
  const [, second] = puppet.association.paths;
  puppet.subject.do((_, now) => puppet.association.requestHeartbeat(now, second));
  const heartbeat = chunkOfType(puppet.subject.take(), ChunkType.Heartbeat);
  puppet.wait(30);
  puppet.sendIn({ from: "10.0.0.2", to: "10.0.0.1" }, encodeHeartbeatAck(heartbeat.slice(4)));
  assert.equal(second.srtt, 30);
  assert.equal(puppet.association.tx.initialTsn, tsn(puppet.subjectTsn));
});
