import assert from "node:assert/strict";
import { needs } from "../../../core/net/testing/requirements.ts";
import { data, init, packet } from "../../../core/sctp/testing/chunks.ts";
import { ChunkType, count, countTo, readCapture } from "./capture.ts";

const LINKTYPE_RAW = 101;

/** An IPv4 packet from 10.0.0.1 to 10.0.0.2. */
function ipv4(protocol: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(20 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 0x45);
  view.setUint16(2, bytes.length);
  view.setUint8(8, 64);
  view.setUint8(9, protocol);
  bytes.set([10, 0, 0, 1, 10, 0, 0, 2], 12);
  bytes.set(payload, 20);
  return bytes;
}

function udp(port: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, port);
  view.setUint16(2, port);
  view.setUint16(4, bytes.length);
  bytes.set(payload, 8);
  return bytes;
}

function pcap(packets: readonly Uint8Array[]): Uint8Array {
  const records = packets.flatMap((bytes) => {
    const header = new Uint32Array([0, 0, bytes.length, bytes.length]);
    return [new Uint8Array(header.buffer), bytes];
  });
  const head = new Uint8Array(24);
  new Uint32Array(head.buffer).set([0xa1b2c3d4, 0x0004_0002, 0, 0, 1 << 18, LINKTYPE_RAW]);
  return new Uint8Array([head, ...records].flatMap((part) => [...part]));
}

async function reportOf(packets: readonly Uint8Array[]) {
  const path = await Deno.makeTempFile({ suffix: ".pcap" });
  try {
    await Deno.writeFile(path, pcap(packets));
    return await readCapture(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test(
  needs(
    ["tshark"],
    "packets over IP and over UDP count by chunk type and destination",
    async () => {
      const report = await reportOf([
        ipv4(132, packet(1, 2, 0, [init()])),
        ipv4(17, udp(9899, packet(1, 2, 7, [data(1), data(2)]))),
      ]);
      assert.deepEqual(report.faults, []);
      assert.equal(report.packets, 2);
      assert.equal(count(report, ChunkType.init), 1);
      assert.equal(countTo(report, "10.0.0.2", ChunkType.data), 2);
      assert.equal(countTo(report, "10.0.0.1", ChunkType.data), 0);
    },
  ),
);

Deno.test(
  needs(
    ["tshark"],
    "a wrong checksum, a chunk that does not fit and a cut packet are faults",
    async () => {
      const wrongSum = packet(1, 2, 7, [data(1)]);
      wrongSum[wrongSum.length - 1] ^= 1;
      const tooLong = data(1);
      tooLong[3] += 40;
      const report = await reportOf([
        ipv4(132, wrongSum),
        ipv4(132, packet(1, 2, 7, [tooLong])),
        ipv4(132, packet(1, 2, 7, [data(1)])).subarray(0, 40),
        ipv4(17, udp(4000, new Uint8Array(9))),
        ipv4(132, packet(1, 2, 7, [data(1)])),
      ]);
      assert.deepEqual(report.faults.map((fault) => fault.split(" ")[1]), ["1", "2", "3", "4"]);
    },
  ),
);
