/** ECN end to end: marks, echoes, reactions (RFC 9260, table 1; RFC 3168). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { Ecn } from "../packet.ts";
import { data, sack } from "../testing/chunks.ts";
import { Puppet, type PuppetOptions } from "../testing/puppet.ts";
import { chunkOfType, chunksOfType, namesOf } from "../testing/sent_packet.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { cwrTsn, ecneTsn, encodeCwr, encodeEcne } from "../wire/ecn.ts";

function capable(options: PuppetOptions = {}): Puppet {
  const puppet = new Puppet({
    parameters: { noDelay: 1 },
    init: { ecnCapable: true },
    ...options,
  });
  puppet.connect();
  return puppet;
}

Deno.test("DATA leaves with ECT(0), packets without DATA are not ECN-capable", () => {
  const puppet = capable();
  assert.equal(puppet.submit(100)[0].ecn, Ecn.Ect0);
  assert.equal(puppet.data()[0].ecn, Ecn.NotEct);
});

Deno.test("without a peer that speaks ECN nothing is marked, echoed or heeded", () => {
  const puppet = new Puppet({ parameters: { noDelay: 1 }, init: { ecnCapable: false } });
  puppet.connect();
  puppet.submit(5000);
  const { cwnd } = puppet.association.paths[0];
  assert.deepEqual(puppet.send(encodeEcne(tsn(puppet.subjectTsn))), []);
  assert.equal(puppet.association.paths[0].cwnd, cwnd);
  const packets = puppet.sendIn({ ecn: Ecn.Ce }, data(1000));
  assert.deepEqual(namesOf(packets), ["SACK"]);
});

Deno.test("a mark is echoed at once and with every SACK, until CWR comes", () => {
  const puppet = capable();
  puppet.data();
  puppet.nextTsn = 1003;
  const echo = puppet.sendIn({ ecn: Ecn.Ce }, data(1001, { ssn: 1 }), data(1002, { ssn: 2 }));
  assert.deepEqual(namesOf(echo), ["SACK+ECNE"]);
  assert.equal(ecneTsn(chunkOfType(echo, ChunkType.Ecne), 0), 1001);
  puppet.data({ ssn: 3 });
  assert.deepEqual(namesOf(puppet.data({ ssn: 4 })), ["SACK+ECNE"]);
  puppet.send(encodeCwr(tsn(1000)));
  puppet.data({ ssn: 5 });
  assert.deepEqual(namesOf(puppet.data({ ssn: 6 })), ["SACK+ECNE"], "an older CWR says nothing");
  puppet.send(encodeCwr(tsn(1001)));
  puppet.data({ ssn: 7 });
  assert.deepEqual(namesOf(puppet.data({ ssn: 8 })), ["SACK"]);
});

Deno.test("an echo halves the window once for each window of data, and is answered with CWR", () => {
  const puppet = capable();
  puppet.submit(50_000);
  let sent = 3;
  for (let round = 0; round < 4; round++) sent += puppet.offsets(puppet.ack(sent)).length;
  const [path] = puppet.association.paths;
  const { cwnd } = path;
  const flying = puppet.subjectTsn + sent - 1;
  const [answer] = puppet.send(encodeEcne(tsn(flying)));
  assert.equal(cwrTsn(chunkOfType([answer], ChunkType.Cwr), 0), tsn(flying));
  assert.equal(path.cwnd, Math.max(cwnd / 2, 4 * 1468));
  const reduced = path.cwnd;
  assert.equal(chunksOfType(puppet.send(encodeEcne(tsn(flying))), ChunkType.Cwr).length, 1);
  assert.equal(path.cwnd, reduced);
  assert.equal(path.metrics.ecnReductions, 1);
});

Deno.test("an echo of what was never sent is not heeded", () => {
  const puppet = capable();
  puppet.submit(3000);
  const { cwnd } = puppet.association.paths[0];
  assert.deepEqual(puppet.send(encodeEcne(tsn(puppet.subjectTsn + 3))), []);
  assert.deepEqual(puppet.send(encodeEcne(tsn(puppet.subjectTsn + 2 ** 30))), []);
  assert.equal(puppet.association.paths[0].cwnd, cwnd);
});

Deno.test("a SACK with an echo in one packet: growth first, then the reduction", () => {
  const puppet = capable();
  puppet.submit(50_000);
  const [path] = puppet.association.paths;
  puppet.send(sack(puppet.subjectTsn + 2), encodeEcne(tsn(puppet.subjectTsn + 2)));
  assert.ok(path.cwnd <= Math.max((4404 + 3 * 1468) / 2, 4 * 1468));
});
