import assert from "node:assert/strict";
// deno-lint-ignore shimkit/imports-point-down -- what the machine has is a test's business, in every layer
import { needs } from "../net/testing/requirements.ts";
import { crc32cScalar } from "../sctp/checksum/scalar.ts";
import { instant } from "../sctp/base/time.ts";
import { Ecn } from "../sctp/packet.ts";
import { lossOf } from "./loss.ts";
import { Network } from "./network.ts";
import { PcapngRecorder } from "./pcapng.ts";
import { ScriptedPeer } from "./scripted_peer.ts";
import { PacketTrace } from "./trace.ts";

/** A packet with one DATA chunk of 16 payload bytes and a valid checksum. */
function dataPacket(tsn: number): Uint8Array {
  const bytes = new Uint8Array(44);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 5000);
  view.setUint16(2, 5001);
  view.setUint32(4, 42);
  view.setUint32(12, 0x0003_0020);
  view.setUint32(16, tsn);
  view.setUint32(8, crc32cScalar(bytes, 0, bytes.length), true);
  return bytes;
}

/** Traffic over IPv4 and IPv6, raw and in UDP; the second packet of the first link is lost. */
function runTraffic(observe: (network: Network) => void): void {
  const network = new Network(1);
  const boot = () => new ScriptedPeer();
  const hosts = [
    { name: "raw", from: ["10.0.0.1", "fd00::1"], to: ["10.0.0.2", "fd00::2"], port: 0 },
    { name: "udp", from: ["10.0.1.1", "fd00:1::1"], to: ["10.0.1.2", "fd00:1::2"], port: 9899 },
  ];
  observe(network);
  for (const { name, from, to, port } of hosts) {
    const client = network.addHost(`${name}-a`, from, { boot, encapsulationPort: port && 40_000 });
    network.addHost(`${name}-b`, to, { boot, encapsulationPort: port });
    from.forEach((address, i) => {
      const loss = name === "raw" && i === 0 ? lossOf(1) : 0;
      network.connect(address, to[i], { delay: 1.5, loss });
    });
    for (let tsn = 1; tsn <= 2; tsn++) {
      network.clock.at(
        instant(1000 * tsn + 0.25),
        () =>
          client.command((peer) =>
            from.forEach((address, i) => {
              const details = { encapsulationPort: port, ecn: Ecn.Ect0 };
              peer.send(dataPacket(tsn), address, to[i], details);
            })
          ),
      );
    }
  }
  network.clock.advanceTo(instant(5000));
}

/** Types of the blocks of a capture; checks that both lengths of each agree. */
function blockTypes(file: Uint8Array): number[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const types: number[] = [];
  for (let at = 0; at < file.length;) {
    const length = view.getUint32(at + 4, true);
    assert.equal(length % 4, 0);
    assert.equal(view.getUint32(at + length - 4, true), length, `block at ${at}`);
    types.push(view.getUint32(at, true));
    at += length;
  }
  return types;
}

Deno.test("a capture has a section, an interface a link in use, and a block a packet", () => {
  for (const [point, packets] of [["sent", 8], ["arrived", 7]] as const) {
    const recorder = new PcapngRecorder(point);
    runTraffic((network) => network.observe(recorder));
    const types = blockTypes(recorder.toBytes());
    const count = (type: number) => types.filter((one) => one === type).length;
    assert.equal(types[0], 0x0a0d0d0a);
    assert.deepEqual([count(1), count(6), recorder.packets], [4, packets, packets]);
  }
});

Deno.test("a trace has a line for each packet and says what became of it", () => {
  const lines: string[] = [];
  runTraffic((network) => network.observe(new PacketTrace((line) => lines.push(line))));
  assert.equal(lines.length, 8);
  assert.match(
    lines[0],
    /^ +1000\.250 raw-a 10\.0\.0\.1 > raw-b 10\.0\.0\.2 {2}5000 > 5001 .*\[DATA/,
  );
  assert.ok(!lines[0].includes("lost"));
  assert.match(lines[4], /2000\.250 raw-a 10\.0\.0\.1 .* -- lost: loss$/);
});

Deno.test("a trace shows arrivals on request, and losses on the way always", () => {
  const lines: string[] = [];
  runTraffic((network) => {
    network.observe(new PacketTrace((line) => lines.push(line), { arrivals: true }));
    network.clock.at(instant(2001), () => network.linkBetween("10.0.1.1", "10.0.1.2").cut());
  });
  assert.equal(lines.length, 15);
  assert.match(lines[4], / 1001\.750 arrives: raw-a 10\.0\.0\.1/);
  assert.ok(lines.some((line) => /arrives: udp-a 10\.0\.1\.1 .* -- lost: cut$/.test(line)));
});

async function tshark(file: Uint8Array, ...args: string[]): Promise<string> {
  const path = await Deno.makeTempFile({ suffix: ".pcapng" });
  try {
    await Deno.writeFile(path, file);
    const command = new Deno.Command("tshark", { args: ["-r", path, ...args], stderr: "null" });
    return new TextDecoder().decode((await command.output()).stdout);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test(needs(["tshark"], "tshark reads a capture, and finds every checksum right", async () => {
  const recorder = new PcapngRecorder();
  runTraffic((network) => network.observe(recorder));
  const fields = ["frame.time_epoch", "frame.interface_name", "frame.comment", "sctp.data_tsn_raw"]
    .concat(["udp.dstport", "ip.dsfield.ecn", "ipv6.tclass.ecn", "sctp.checksum.status"])
    .concat(["udp.checksum.status", "ip.checksum.status"]);
  const checks = ["sctp.checksum:CRC-32c", "ip.check_checksum:TRUE", "udp.check_checksum:TRUE"]
    .flatMap((option) => ["-o", option]);
  const columns = fields.flatMap((field) => ["-e", field]);
  const text = await tshark(recorder.toBytes(), ...checks, "-T", "fields", ...columns);
  const rows = text.split("\n").filter((line) => line !== "").map((line) => line.split("\t"));
  assert.equal(rows.length, 8, text);
  assert.equal(Number(rows[0][0]), 1.00025);
  assert.equal(rows[0][1], "raw-a 10.0.0.1 > raw-b 10.0.0.2");
  assert.deepEqual(rows.map((row) => row[2]).filter((comment) => comment), ["lost: loss"]);
  assert.deepEqual(rows.map((row) => row[3]), ["1", "1", "1", "1", "2", "2", "2", "2"]);
  assert.deepEqual(rows.slice(0, 4).map((row) => row[4]), ["", "", "9899", "9899"]);
  assert.ok(rows.every((row) => row[5] === "2" || row[6] === "2"), text);
  for (const column of [7, 8, 9]) {
    const states = rows.map((row) => row[column]).filter((state) => state !== "");
    assert.ok(states.every((state) => state === "1"), text);
  }
  assert.ok(rows.every((row) => row[7] !== ""), "the SCTP checksum of each packet was checked");
  assert.equal(await tshark(recorder.toBytes(), "-Y", "_ws.malformed"), "");
}));
