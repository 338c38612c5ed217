/** Packets without a checksum (RFC 9653) by somebody who has nothing below that finds errors. */
import assert from "node:assert/strict";
import { data } from "../testing/chunks.ts";
import { Puppet, type PuppetOptions } from "../testing/puppet.ts";

/** What keeps a subject from doing without checksums. */
const REASONS: Readonly<Record<string, PuppetOptions>> = {
  "outside of DTLS": {},
  "where the user does not want it": { isInsideDtls: true },
  "of a peer who has not said so": { isInsideDtls: true, parameters: { zeroChecksum: 1 } },
};

for (const [reason, options] of Object.entries(REASONS)) {
  Deno.test(`packets without a checksum are dropped ${reason}, and counted`, () => {
    const puppet = new Puppet(options);
    puppet.connect();
    for (let i = 0; i < 100; i++) {
      const packet = puppet.packetOf({}, [data(1000 + i)]);
      packet.fill(0, 8, 12);
      assert.deepEqual(puppet.sendBytes(packet), []);
    }
    assert.equal(puppet.subject.endpoint.metrics.dropped["bad-checksum"], 100);
    assert.equal(puppet.association.readableBytes, 0);
  });
}
