/** Changes of addresses by somebody who is not the peer, or by a peer that means harm (RFC 5061, section 6). */
import assert from "node:assert/strict";
import { acksIn, AsconfPuppet, asconfPuppet, type RequestWords } from "../testing/asconf.ts";
import { init, rawChunk } from "../testing/chunks.ts";
import { Puppet, readInit } from "../testing/puppet.ts";
import { causeCodesOf, chunkOfType, chunksOfType, namesOf } from "../testing/sent_packet.ts";
import { encodeAsconf, encodeAsconfAck } from "../wire/asconf.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeCookieEcho } from "../wire/cookie.ts";
import { CauseCode } from "../wire/error_cause.ts";
import { address } from "../testing/test_endpoint.ts";
import { MAX_REQUESTS } from "../procedures/asconf_requests.ts";

const CHUNKS = [ChunkType.Asconf, ChunkType.AsconfAck];

Deno.test("an ASCONF that is not authenticated is discarded, from wherever it comes (D5)", () => {
  const puppet = asconfPuppet();
  const { dropped } = puppet.subject.endpoint.metrics;
  for (const from of ["10.0.0.2", "10.0.0.66"]) {
    const before = dropped["unauthenticated-chunk"];
    assert.deepEqual(puppet.sendIn({ from }, puppet.asconf(["add 10.0.0.66"])), []);
    puppet.serial--;
    assert.equal(dropped["unauthenticated-chunk"], before + 1);
  }
  assert.equal(puppet.association.paths.length, 1);
});

Deno.test("an ASCONF under another key, or changed on its way, is discarded", () => {
  const puppet = asconfPuppet();
  const { dropped } = puppet.subject.endpoint.metrics;
  const secret = Uint8Array.of(1);
  assert.deepEqual(puppet.sendSealed({ secret }, {}, puppet.asconf(["add 10.0.0.66"])), []);
  puppet.serial--;
  const chunks = puppet.sealed({}, puppet.asconf(["add 10.0.0.65"]));
  chunks[1][chunks[1].length - 1]++;
  assert.deepEqual(puppet.send(...chunks), []);
  assert.equal(dropped["bad-auth"], 2);
  assert.equal(puppet.association.paths.length, 1);
});

Deno.test("an unauthenticated ASCONF opens no door to the chunks behind it", () => {
  const puppet = asconfPuppet();
  const abort = Uint8Array.of(ChunkType.Abort, 0, 0, 4);
  const from = { from: "10.0.0.66" };
  assert.deepEqual(puppet.sendIn(from, puppet.asconf(["add 10.0.0.66"]), abort), []);
  assert.equal(puppet.association.state, "ESTABLISHED");
  assert.deepEqual(puppet.sendIn(from, ...puppet.sealed({ secret: Uint8Array.of(1) }, abort)), []);
  assert.equal(puppet.association.state, "ESTABLISHED");
});

Deno.test("a replayed ASCONF changes nothing", () => {
  const puppet = asconfPuppet();
  const captured = puppet.sealed({}, puppet.asconf(["add 10.0.0.9"]));
  puppet.send(...captured);
  puppet.ask(["delete 10.0.0.9"]);
  for (let i = 0; i < 100; i++) {
    puppet.send(...captured);
    puppet.sendIn({ from: "10.0.0.66" }, ...captured);
  }
  assert.equal(puppet.association.paths.length, 1);
  assert.equal(puppet.subject.endpoint.metrics.dropped["bad-sequence"], 200);
});

Deno.test("whoever has the key cannot delete the last address (F7)", () => {
  const puppet = asconfPuppet();
  for (let i = 0; i < 100; i++) {
    const [{ responses: [response] }] = acksIn(puppet.ask(["delete 10.0.0.2"]));
    assert.ok(response.kind === "error");
    assert.equal(response.causes[0].code, CauseCode.DeleteLastAddress);
  }
  assert.equal(puppet.subject.endpoint.metrics.dropped["last-address"], 100);
  assert.equal(puppet.association.paths.length, 1);
});

Deno.test("addresses are added up to a bound, and counted beyond it (F9)", () => {
  const puppet = asconfPuppet();
  const { dropped } = puppet.subject.endpoint.metrics;
  let refused = 0;
  for (let i = 0; i < 100; i++) {
    const [{ responses }] = acksIn(puppet.ask([`add 10.0.1.${i}`]));
    refused += responses.length;
  }
  assert.equal(puppet.association.paths.length, 64);
  assert.equal(refused, 37);
  assert.equal(dropped["address-limit"], 37);
  const [{ responses: [response] }] = acksIn(puppet.ask(["add 10.0.2.1"]));
  assert.ok(response.kind === "error");
  assert.equal(response.causes[0].code, CauseCode.ResourceShortage);
});

Deno.test("what one ASCONF may ask for has a bound, and so has its answer", () => {
  const puppet = asconfPuppet();
  const requests = Array.from({ length: 80 }, (_, i): RequestWords => `delete 10.0.9.${i}`);
  const [answer] = puppet.ask(requests);
  assert.ok(answer.bytes.length < 1200, `${answer.bytes.length} bytes`);
  assert.equal(acksIn([answer])[0].responses.length, MAX_REQUESTS + 1);
  assert.equal(puppet.subject.endpoint.metrics.dropped["address-limit"], 1);
});

Deno.test("added addresses are probed one by one, so that a victim gets little (HB.Max.Burst)", () => {
  const puppet = asconfPuppet();
  const requests = Array.from({ length: 20 }, (_, i): RequestWords => `add 10.0.9.${i}`);
  const sent = [...puppet.ask(requests), ...puppet.wait(100)];
  assert.equal(chunksOfType(sent, ChunkType.Heartbeat).length, 1);
});

Deno.test("a victim whose address was added, and who knows nothing of it, ends nothing by its ABORT", () => {
  const puppet = asconfPuppet();
  puppet.ask(["add 10.0.0.66"]);
  const [probe] = puppet.wait(0);
  assert.equal(probe.to, "10.0.0.66");
  const reflected = Uint8Array.of(ChunkType.Abort, 1, 0, 4);
  puppet.sendIn({ from: "10.0.0.66", tag: puppet.tag }, reflected);
  assert.equal(puppet.association.state, "ESTABLISHED");
  puppet.sendIn({ tag: puppet.tag }, reflected);
  assert.deepEqual(puppet.subject.associations, [], "from a proved address it counts");
});

Deno.test("ASCONF and ASCONF-ACK cut anywhere, authenticated, end nothing and change nothing", () => {
  const whole = [
    asconfPuppet().asconf(["add 10.0.0.9", "delete 10.0.0.9", "set-primary 10.0.0.2"]),
    encodeAsconfAck({ serial: 1, responses: [{ kind: "success", correlation: 1 }] }),
  ];
  const puppet = asconfPuppet();
  for (const chunk of whole) {
    for (let cut = 4; cut < chunk.length; cut++) {
      puppet.sendAuth(rawChunk(chunk[0], 0, chunk.slice(4, cut)));
      assert.equal(puppet.association.state, "ESTABLISHED", `cut at ${cut}`);
    }
  }
  assert.equal(puppet.association.paths.length, 1);
});

Deno.test("a flood of ASCONFs in one packet queues a bounded number of answers", () => {
  const puppet = asconfPuppet();
  const chunks = Array.from({ length: 60 }, () => puppet.asconf([]));
  assert.ok(acksIn(puppet.sendAuth(...chunks)).length <= 16);
});

Deno.test("an address of another association between the same ports is not given away", () => {
  const puppet = asconfPuppet();
  const from = { from: "10.0.0.7" };
  const [answer] = puppet.sendIn({ ...from, tag: 0 }, init({ initiateTag: 77 }));
  const { initiateTag: tag, stateCookie } = readInit(answer.chunks[0]);
  assert.ok(stateCookie);
  puppet.sendIn({ ...from, tag }, encodeCookieEcho(stateCookie));
  assert.equal(puppet.subject.associations.length, 2);
  const [{ responses: [response] }] = acksIn(puppet.ask(["add 10.0.0.7"]));
  assert.ok(response.kind === "error");
  assert.equal(response.causes[0].code, CauseCode.NoAuthorization);
});

Deno.test("a peer that claims ASCONF but not AUTH is refused (section 6)", () => {
  const puppet = new Puppet({
    parameters: { addressReconfiguration: 1 },
    init: { supportedExtensions: CHUNKS },
  });
  const abort = chunkOfType(puppet.requestInitAck(), ChunkType.Abort);
  assert.deepEqual(causeCodesOf(abort), [CauseCode.MissingMandatoryParameter]);
  puppet.beAsked();
  puppet.answer();
  const [lost] = puppet.subject.events;
  assert.ok(lost.kind === "communication-lost" && lost.reason.kind === "no-authentication");
});

Deno.test("a peer that does not want ASCONF authenticated does not get the extension", () => {
  const puppet = new AsconfPuppet({ wants: [ChunkType.Asconf] });
  puppet.connect();
  assert.deepEqual(acksIn(puppet.ask(["add 10.0.0.3"])), []);
  assert.equal(puppet.subject.endpoint.metrics.dropped["unrecognized-chunk"], 1);
});

Deno.test("without AUTH addresses change only where the user says so", () => {
  const puppet = new Puppet({
    parameters: { addressReconfiguration: 1, asconfWithoutAuth: 1 },
    init: { supportedExtensions: CHUNKS },
  });
  puppet.connect();
  const serial = puppet.nextTsn;
  const requests = [{ action: "add", correlation: 1, address: address("10.0.0.3") }] as const;
  const sent = puppet.send(encodeAsconf({ serial, lookup: address("10.0.0.2"), requests }));
  assert.deepEqual(namesOf(sent).slice(0, 1), ["ASCONF-ACK"]);
  assert.equal(puppet.association.paths.length, 2);
});
