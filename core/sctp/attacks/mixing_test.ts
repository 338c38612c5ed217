/** DATA among I-DATA and the other way round (RFC 8260, sections 2.2.3 and 2.3.1). */
import assert from "node:assert/strict";
import { data, forwardTsn, iData, iForwardTsn } from "../testing/chunks.ts";
import { connectedInterleaved } from "../testing/interleaved_puppet.ts";
import { connectedPartial } from "../testing/partial_puppet.ts";
import type { Puppet } from "../testing/puppet.ts";
import { causeCodesOf, chunkOfType } from "../testing/sent_packet.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { CauseCode } from "../wire/error_cause.ts";

interface Mix {
  readonly name: string;
  readonly connected: () => Puppet;
  /** What belongs there, and what does not. */
  readonly right: (at: number, number: number) => Uint8Array;
  readonly wrong: Uint8Array;
}

const MIXES: readonly Mix[] = [
  {
    name: "DATA among I-DATA",
    connected: connectedInterleaved,
    right: (at, mid) => iData(at, { mid }),
    wrong: data(1001, { ssn: 1 }),
  },
  {
    name: "I-DATA among DATA",
    connected: connectedPartial,
    right: (at, ssn) => data(at, { ssn }),
    wrong: iData(1001, { mid: 1 }),
  },
  {
    name: "FORWARD TSN among I-DATA",
    connected: connectedInterleaved,
    right: (at, mid) => iData(at, { mid }),
    wrong: forwardTsn(1001),
  },
  {
    name: "I-FORWARD-TSN among DATA",
    connected: connectedPartial,
    right: (at, ssn) => data(at, { ssn }),
    wrong: iForwardTsn(1001),
  },
];

for (const { name, connected, right, wrong } of MIXES) {
  Deno.test(`${name} ends the association, is counted, and leaves no timer`, () => {
    const puppet = connected();
    const { association } = puppet;
    const answer = puppet.send(right(1000, 0), wrong, right(1002, 2));
    const abort = chunkOfType(answer, ChunkType.Abort);
    assert.deepEqual(causeCodesOf(abort), [CauseCode.ProtocolViolation]);
    assert.equal(puppet.subject.endpoint.metrics.dropped["mixed-data"], 1);
    assert.equal(association.state, "CLOSED");
    assert.equal(puppet.subject.nextTimeout, Infinity);
  });
}
