/** The engine against the Linux kernel's SCTP in User-Mode Linux: both roles, raw IP and UDP, two paths. */
import assert from "node:assert/strict";
import { type Capture, ChunkType, count, countTo } from "./lab/capture.ts";
import { cutInTheMiddle, DISTURBED_RATE } from "./lab/cut.ts";
import { kernelTest, PORT, type Stage } from "./lab/kernel_stage.ts";
import { fileSize, hashFile, writePayload } from "./lab/payload.ts";
import { type LabProcess, until } from "./lab/process.ts";
import {
  FAST_FAILOVER as OUR_FAILOVER,
  reportOf,
  type SctpCommand,
  startSctp,
} from "./lab/shimkit.ts";
import { FAST_FAILOVER, type GuestProcess, SHARED_FOLDER } from "./lab/uml.ts";

const SIZE = 10_000_000;
/** Packets in a thousand that a bad wire loses. */
const LOST = 50;
/** What we send, as the guest sees it; and where the guest puts what it receives. */
const [GUEST_INPUT, GUEST_OUTPUT] = [`${SHARED_FOLDER}/input`, "/tmp/output"];
const CARRIERS = {
  "raw IP": { ours: undefined, theirs: { udp_port: 0, encap_port: 0 } },
  "UDP": { ours: { local: 9899, remote: 9900 }, theirs: { udp_port: 9900, encap_port: 9899 } },
} as const;

type Carrier = keyof typeof CARRIERS;
type Family = "v4" | "v6";

/** An address as socat writes it, and the digit in the names of its address types. */
function socatHost(address: string): { host: string; digit: 4 | 6 } {
  return address.includes(":") ? { host: `[${address}]`, digit: 6 } : { host: address, digit: 4 };
}

/** A transfer of one file, and who does what in it. */
interface Transfer {
  readonly carrier: Carrier;
  readonly family: Family;
  readonly sender: "ours" | "theirs";
  readonly initiator: "ours" | "theirs";
  readonly parameters?: SctpCommand["parameters"];
}

/** Where we connect and only receive, the end of our empty input must not end what is still to come. */
function ourRole(weConnect: boolean, weSend: boolean): readonly string[] {
  if (!weConnect) return ["--once"];
  return weSend ? [] : ["--linger", "10s"];
}

/** Starts both sides, the listening one first. */
async function startTransfer(
  { lab, guest }: Stage,
  { carrier, family, sender, initiator, parameters }: Transfer,
): Promise<{ ours: LabProcess; theirs: GuestProcess }> {
  const [input, output] = [lab.path("input"), lab.path("output")];
  const [weSend, weConnect] = [sender === "ours", initiator === "ours"];
  await guest.sysctl(CARRIERS[carrier].theirs);
  await guest.run(`rm -f ${GUEST_OUTPUT}`);
  const startOurs = () =>
    startSctp(guest.host, {
      port: PORT,
      peer: weConnect ? [guest.wires[0].b[family]] : undefined,
      local: guest.wires.map((wire) => wire.a[family]),
      udp: CARRIERS[carrier].ours,
      parameters,
      more: ["--json", ...ourRole(weConnect, weSend)],
    }, weSend ? { input } : { output });
  const { host, digit } = socatHost(guest.wires[0].a[family]);
  const place = weConnect
    ? `SCTP${digit}-LISTEN:${PORT},reuseaddr`
    : `SCTP${digit}:${host}:${PORT}`;
  const words = weSend
    ? `socat -u ${place} OPEN:${GUEST_OUTPUT},creat,trunc`
    : `socat -u OPEN:${GUEST_INPUT} ${place}`;
  if (weConnect) {
    const theirs = await guest.listen(PORT, words);
    return { ours: await startOurs(), theirs };
  }
  const ours = await startOurs();
  return { ours, theirs: await guest.start(words) };
}

/** Waits for both ends of a transfer, and checks the file that arrived and that both sides saw a shutdown. */
async function finishTransfer(
  { lab, guest }: Stage,
  { sender }: Transfer,
  { ours, theirs }: { ours: LabProcess; theirs: GuestProcess },
  hash: string,
): Promise<void> {
  await ours.succeeded();
  assert.equal(await theirs.finished(), 0, theirs.lines.join("\n"));
  const arrived = sender === "ours"
    ? await guest.sha256(GUEST_OUTPUT)
    : await hashFile(lab.path("output"));
  assert.equal(arrived, hash);
  const { end, sent, received } = reportOf(ours);
  assert.deepEqual(end, { graceful: true });
  assert.equal(sender === "ours" ? sent.bytes : received.bytes, SIZE);
}

async function completeTransfer(stage: Stage, capture: Capture, transfer: Transfer): Promise<void> {
  const hash = await writePayload(stage.lab.path("input"), SIZE, 1);
  await finishTransfer(stage, transfer, await startTransfer(stage, transfer), hash);
  const packets = await capture.assertClean();
  assert.equal(count(packets, ChunkType.abort), 0, "nobody aborts");
  assert.ok(count(packets, ChunkType.shutdownComplete) > 0, "the shutdown is complete");
  const second = stage.guest.wires[1].a[transfer.family];
  assert.ok(countTo(packets, second, ChunkType.heartbeatAck) > 0, "the second path is confirmed");
}

for (const carrier of Object.keys(CARRIERS) as Carrier[]) {
  for (const initiator of ["ours", "theirs"] as const) {
    for (const sender of ["ours", "theirs"] as const) {
      const family: Family = initiator === sender ? "v4" : "v6";
      const who = initiator === "ours" ? "we connect" : "it connects";
      const what = sender === "ours" ? "send" : "receive";
      const over = `${carrier} (${family === "v4" ? "IPv4" : "IPv6"})`;
      kernelTest(
        `${who} over ${over} and we ${what} 10 MB`,
        (stage, capture) =>
          completeTransfer(stage, capture, { carrier, family, sender, initiator }),
      );
    }
  }
}

kernelTest("with its extensions switched on, 10 MB pass in either role", async (stage, capture) => {
  const { guest } = stage;
  const extensions = ["auth", "addip", "reconf", "intl"].map((name) => `${name}_enable`);
  await guest.sysctl({
    ...Object.fromEntries(extensions.map((name) => [name, 1])),
    plpmtud_probe_interval: 5000,
  });
  const hash = await writePayload(stage.lab.path("input"), SIZE, 2);
  for (const side of ["ours", "theirs"] as const) {
    const transfer: Transfer = {
      carrier: "raw IP",
      family: "v4",
      sender: side,
      initiator: side === "ours" ? "theirs" : "ours",
    };
    await finishTransfer(stage, transfer, await startTransfer(stage, transfer), hash);
  }
  await capture.assertClean();
});

/** How much of the file has arrived. */
async function arrivedBytes({ lab, guest }: Stage, { sender }: Transfer): Promise<number> {
  if (sender === "theirs") return await fileSize(lab.path("output"));
  const { text } = await guest.run(`stat -c %s ${GUEST_OUTPUT} || echo 0`);
  return Number(text.split("\n").at(-2));
}

/** Cuts the wire in use in mid-transfer, and checks that all arrives, by the other. */
async function surviveCut(stage: Stage, capture: Capture, transfer: Transfer): Promise<void> {
  const { lab, guest } = stage;
  const hash = await writePayload(lab.path("input"), SIZE, 3);
  await Deno.remove(lab.path("output")).catch(() => {});
  await guest.sysctl(FAST_FAILOVER);
  for (const wire of guest.wires) await wire.limit(DISTURBED_RATE);
  const running = await startTransfer(stage, transfer);
  const arrived = () => arrivedBytes(stage, transfer);
  const { cut, other } = await cutInTheMiddle(guest.wires, SIZE, arrived);
  await finishTransfer(stage, transfer, running, hash);
  const packets = await capture.assertClean();
  const receiver = transfer.sender === "ours" ? "b" : "a";
  const chunks = (index: number) =>
    countTo(packets, guest.wires[index][receiver][transfer.family], ChunkType.data);
  assert.ok(chunks(cut) > 100, "the path that was cut carried data before");
  assert.ok(chunks(other) > 1000, `the other path carried ${chunks(other)} chunks of the rest`);
}

for (const carrier of Object.keys(CARRIERS) as Carrier[]) {
  for (const sender of ["ours", "theirs"] as const) {
    const what = sender === "ours" ? "what we send" : "what it sends";
    kernelTest(
      `${what} over ${carrier} survives the silent loss of the active path`,
      (stage, capture) =>
        surviveCut(stage, capture, {
          carrier,
          family: "v4",
          sender,
          initiator: sender,
          parameters: OUR_FAILOVER,
        }),
    );
  }
}

/** Loses packets at random until a third has arrived, and checks that all arrives. */
async function surviveLoss(stage: Stage, capture: Capture, transfer: Transfer): Promise<void> {
  const { lab, guest } = stage;
  const hash = await writePayload(lab.path("input"), SIZE, 5);
  await Deno.remove(lab.path("output")).catch(() => {});
  await guest.sysctl({ rto_initial: 300, rto_min: 200 });
  for (const wire of guest.wires) await wire.lose(LOST);
  const running = await startTransfer(stage, transfer);
  const third = async () => await arrivedBytes(stage, transfer) >= SIZE / 3;
  await until("a third arrives", third);
  for (const wire of guest.wires) await wire.heal();
  await finishTransfer(stage, transfer, running, hash);
  const packets = await capture.assertClean();
  assert.equal(count(packets, ChunkType.abort), 0, "nobody aborts");
}

for (const sender of ["ours", "theirs"] as const) {
  const what = sender === "ours" ? "what we send" : "what it sends";
  kernelTest(
    `${what} arrives whole though every twentieth packet is lost`,
    (stage, capture) =>
      surviveLoss(stage, capture, {
        carrier: "raw IP",
        family: "v6",
        sender,
        initiator: sender,
        parameters: { rtoInitial: 300, rtoMin: 200 },
      }),
  );
}

kernelTest("our ABORT ends its association", async ({ lab, guest }, capture) => {
  const theirs = await guest.listen(PORT, `socat -d -u SCTP4-LISTEN:${PORT} OPEN:/dev/null`);
  await writePayload(lab.path("input"), 100_000, 4);
  const ours = await startSctp(guest.host, {
    port: PORT,
    peer: [guest.wires[0].b.v4],
    more: ["--abort"],
  }, { input: lab.path("input") });
  await theirs.line(/Connection reset by peer/);
  await ours.finished();
  const packets = await capture.assertClean();
  assert.ok(count(packets, ChunkType.abort) > 0);
  assert.deepEqual(await guest.associations(), []);
});

kernelTest("its ABORT ends our association, and we say so", async ({ guest }, capture) => {
  const ours = await startSctp(guest.host, { port: PORT, more: ["--once", "--json"] });
  const place = `SCTP4:${guest.wires[0].a.v4}:${PORT},linger=0`;
  const theirs = await guest.start(`socat EXEC:"sleep 1000" ${place}`);
  await ours.line(/association .* is up/);
  // Without a linger time, the kernel aborts what a dead process had open.
  await theirs.kill();
  assert.equal((await ours.finished()).code, 1, ours.lines.join("\n"));
  const { end } = reportOf(ours);
  assert.equal(end.graceful, false);
  assert.match(end.message ?? "", /abort/i);
  await capture.assertClean();
});

kernelTest(
  "a peer that vanished comes back from the same port and is served",
  async ({ guest }, capture) => {
    const ours = await startSctp(guest.host, { port: PORT, more: ["--echo", "--json"] });
    const place = `SCTP4:${guest.wires[0].a.v4}:${PORT},sourceport=5555,linger=0,shut-none`;
    const first = await guest.start(`socat EXEC:"sleep 1000" ${place}`);
    await ours.line(/association .* is up/);
    // The kernel says goodbye for a killed process, but nobody hears it.
    for (const wire of guest.wires) await wire.cut();
    await first.kill();
    for (const wire of guest.wires) await wire.heal();
    const text = await guest.succeed(`(echo served again; sleep 1) | socat - ${place}`);
    assert.match(text, /served again/);
    await ours.line(/^{/);
    assert.equal(reportOf(ours).endpoint.restarts, 1, "RFC 9260, section 5.2.4, action A");
    await ours.kill();
    const packets = await capture.assertClean();
    assert.equal(countTo(packets, guest.wires[0].b.v4, ChunkType.abort), 0, "we abort nothing");
  },
);

kernelTest(
  "when we are killed and restarted, its association ends and a new one works",
  async ({ guest }, capture) => {
    await guest.sysctl(FAST_FAILOVER);
    const listen = () => startSctp(guest.host, { port: PORT, more: ["--echo"] });
    const place = `SCTP4:${guest.wires[0].a.v4}:${PORT}`;
    const killed = await listen();
    const orphan = await guest.start(`socat -d EXEC:"sleep 1000" ${place}`);
    await killed.line(/association .* is up/);
    await killed.kill();
    const restarted = await listen();
    // Its next heartbeat is out of the blue for the new process, which answers with an ABORT.
    await orphan.line(/Connection reset by peer/);
    const next = await guest.succeed(`(echo once more; sleep 1) | socat - ${place}`);
    assert.match(next, /once more/);
    await restarted.kill();
    await capture.assertClean();
  },
);

kernelTest(
  "its probes for the path MTU, HEARTBEAT and PAD, are answered (RFC 8899)",
  async ({ guest }, capture) => {
    // Milliseconds between two probes, as few as it takes: the first come one by one, then larger.
    await guest.sysctl({ plpmtud_probe_interval: 5000 });
    const ours = await startSctp(guest.host, { port: PORT, more: ["--echo", "--once"] });
    const [us, place] = [guest.wires[0].a.v4, `SCTP4:${guest.wires[0].a.v4}:${PORT}`];
    const answer = await guest.succeed(
      `(echo hello; sleep 12; echo again; sleep 1) | socat - ${place}`,
    );
    assert.match(answer, /hello[^]*again/);
    await ours.succeeded();
    const report = await capture.assertClean();
    const probes = countTo(report, us, ChunkType.pad);
    assert.ok(probes >= 2, `${probes} probes`);
    assert.ok(countTo(report, guest.wires[0].b.v4, ChunkType.heartbeatAck) >= probes);
  },
);

kernelTest("nobody listens: the refusal is told in words", async ({ guest }, capture) => {
  const ours = await startSctp(guest.host, { port: PORT + 1, peer: [guest.wires[0].b.v4] });
  assert.equal((await ours.finished()).code, 1);
  assert.match(ours.lines.join("\n"), /refus|abort/i);
  await capture.assertClean();
});

kernelTest("lksctp's sctp_test takes messages of all sizes from us", async ({ guest }, capture) => {
  const address = guest.wires[0].b.v4;
  const theirs = await guest.listen(PORT, `sctp_test -H ${address} -P ${PORT} -l`);
  const ours = await startSctp(guest.host, {
    port: PORT,
    peer: [address],
    more: ["--send", "--count", 20, "--message-size", 30_000, "--stream", 3],
  });
  await ours.succeeded();
  await theirs.line(/SHUTDOWN/i);
  await theirs.kill();
  await capture.assertClean();
});

kernelTest(
  "lksctp's sctp_test sends us messages of all sizes on many streams",
  async ({ guest }, capture) => {
    const ours = await startSctp(guest.host, {
      port: PORT,
      more: ["--discard", "--once", "--json"],
    });
    const [from, to] = [guest.wires[0].b.v4, guest.wires[0].a.v4];
    const load = "-s -c 4 -x 5 -o 2 -t 0 -M 8";
    await guest.succeed(`timeout 30 sctp_test -H ${from} -P 6666 -h ${to} -p ${PORT} ${load}`);
    await ours.succeeded();
    const { received, end } = reportOf(ours);
    assert.deepEqual(end, { graceful: true });
    assert.ok(received.messages >= 5, `${received.messages} messages`);
    await capture.assertClean();
  },
);

kernelTest("a TCP program that withsctp moves to SCTP talks to us", async ({ guest }, capture) => {
  const theirs = await guest.listen(PORT, `withsctp socat TCP-LISTEN:${PORT},reuseaddr EXEC:cat`);
  const ours = await startSctp(guest.host, {
    port: PORT,
    peer: [guest.wires[0].b.v4],
    more: ["--linger", "1s"],
  }, { stdin: "piped" });
  await ours.write("moved by withsctp\n");
  await ours.line(/moved by withsctp/);
  await ours.closeInput();
  await ours.succeeded();
  await theirs.finished();
  await capture.assertClean();
});
