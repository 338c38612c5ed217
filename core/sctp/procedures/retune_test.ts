/** Parameters that change while an association lives (RFC 6458, section 8.1). */
import assert from "node:assert/strict";
import { PLAIN } from "../testing/puppet.ts";
import { chunksOfType, type SentPacket } from "../testing/sent_packet.ts";
import { WirePair } from "../testing/wire_pair.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { sackWindow } from "../wire/sack.ts";
import { changeParameters, changePathParameters, fixPathMtu, limitChunks } from "./retune.ts";

const SERVER = "10.0.0.2";

/** An association that is up, and every packet that was sent since. */
function established(parameters = {}) {
  const sent: SentPacket[] = [];
  const pair = new WirePair({ a: { parameters }, b: { parameters } });
  const client = pair.associate([SERVER]);
  pair.run(1000);
  pair.script = (packet) => {
    sent.push(packet);
    return [10];
  };
  return { pair, client, server: pair.b.associations[0], sent };
}

Deno.test("a larger receive buffer is told at once", () => {
  const { pair, server, sent } = established({ receiveBuffer: 4096 });
  pair.b.do((_, now) => changeParameters(server, now, { receiveBuffer: 100_000 }));
  pair.collect();
  const [sack] = chunksOfType(sent, ChunkType.Sack);
  assert.equal(sackWindow(sack, 0), 100_000);
});

Deno.test("before the peer knows of the association nothing is told of it", () => {
  const parameters = { receiveBuffer: 4096 };
  const pair = new WirePair({ a: { parameters }, b: { parameters } });
  const client = pair.associate([SERVER]);
  pair.script = (packet) => packet.names.includes("COOKIE ECHO") ? [] : [10];
  pair.runUntil(() => client.state === "COOKIE-ECHOED", 1000, "INIT ACK");
  const names: string[] = [];
  pair.script = (packet) => {
    names.push(packet.names);
    return [10];
  };
  pair.a.do((_, now) => changeParameters(client, now, { receiveBuffer: 100_000 }));
  pair.collect();
  assert.deepEqual(names, []);
});

Deno.test("what cannot be changes nothing, on no path", () => {
  const { pair, client } = established();
  const { parameters } = client;
  pair.a.do((_, now) => {
    assert.throws(
      () => changeParameters(client, now, { rtoMin: 50_000, rtoMax: 40_000 }),
      RangeError,
    );
    changePathParameters(client, now, client.pathList[0], { rtoMax: 1500 });
    assert.throws(() => changeParameters(client, now, { rtoMin: 2000 }), RangeError);
  });
  assert.equal(client.parameters, parameters);
  assert.equal(client.pathList[0].parameters.rtoMin, parameters.rtoMin);
});

Deno.test("a path has a limit of its own before it is taken for unreachable", () => {
  const { pair, client } = established({ rtoMin: 100, rtoInitial: 100, hbInterval: 0 });
  const [path] = client.pathList;
  pair.a.do((_, now) => changePathParameters(client, now, path, { pathMaxRetrans: 1 }));
  pair.script = () => [];
  pair.runUntil(() => path.status === "inactive", 60_000, "failure");
  assert.equal(path.errorCount, 2);
  assert.equal(client.parameters.pathMaxRetrans, 5);
});

Deno.test("the shortest of heartbeat intervals begins at once", () => {
  const { pair, client, sent } = established();
  const [path] = client.pathList;
  pair.a.do((_, now) => changePathParameters(client, now, path, { hbInterval: 0 }));
  pair.run(5000);
  assert.ok(chunksOfType(sent, ChunkType.Heartbeat).length > 1);
});

Deno.test("a path MTU that is set by hand stays within what every path of its family carries", () => {
  const { pair, client } = established();
  const [path] = client.pathList;
  const fix = (chunks: number) => {
    pair.a.do(() => fixPathMtu(client, path, chunks));
    return path.pmtu;
  };
  assert.equal(fix(1000), 1000 + 20 + 12);
  assert.equal(fix(10), 576);
  assert.equal(fix(9000), 1500, "and within the interface's");
});

Deno.test("chunks have no more user data than they may, and again what fits", () => {
  const { pair, client, sent } = established({ noDelay: 1 });
  for (const limit of [300, Infinity]) {
    sent.length = 0;
    pair.a.do((_, now) => {
      limitChunks(client, limit);
      client.send(now, new Uint8Array(2000), PLAIN);
    });
    pair.collect();
    pair.run(1000);
    const lengths = chunksOfType(sent, ChunkType.Data).map(({ length }) => length - 16);
    assert.ok(Math.max(...lengths) === Math.min(limit, client.tx.chunkPayload), `${lengths}`);
    assert.equal(lengths.reduce((sum, length) => sum + length, 0), 2000);
  }
});
