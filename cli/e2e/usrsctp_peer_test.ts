/** The engine against usrsctp: both roles, raw IP and UDP, IPv4 and IPv6, two paths. */
import assert from "node:assert/strict";
import { ChunkType, count, countTo } from "./lab/capture.ts";
import { cutInTheMiddle, DISTURBED_RATE } from "./lab/cut.ts";
import { fileSize, hashFile, writePayload } from "./lab/payload.ts";
import { until } from "./lab/process.ts";
import {
  FAST_FAILOVER as OUR_FAILOVER,
  reportOf,
  type SctpCommand,
  startSctp,
} from "./lab/shimkit.ts";
import {
  ExamplePort,
  FAST_FAILOVER,
  PeerExit,
  type PeerOptions,
  startExample,
} from "./lab/usrsctp.ts";
import {
  bothFinish,
  type Carrier,
  CARRIERS,
  type Family,
  ourAddresses,
  peerTest,
  PORT,
  type Stage,
  startTransfer,
  theirAddresses,
  type Transfer,
} from "./lab/usrsctp_stage.ts";

const SIZE = 10_000_000;
/** Packets in a thousand that a bad wire loses, and parameters to bear it with. */
const LOST = 50;
const SHORT_TIMEOUTS = { rtoInitial: 300, rtoMin: 200 };
/** Runs a transfer to its end and checks that every byte came and that both sides saw a shutdown. */
async function completeTransfer(stage: Stage, transfer: Transfer): Promise<void> {
  const { lab, capture } = stage;
  const hash = await writePayload(lab.path("input"), SIZE, 1);
  const { ours, theirs } = await startTransfer(stage, transfer);
  await bothFinish(ours, theirs);
  assert.equal(await hashFile(lab.path("output")), hash);
  const { end, sent, received } = reportOf(ours);
  assert.deepEqual(end, { graceful: true });
  assert.equal(transfer.sender === "ours" ? sent.bytes : received.bytes, SIZE);
  const packets = await capture.assertClean();
  assert.equal(count(packets, ChunkType.abort), 0, "nobody aborts");
  assert.ok(count(packets, ChunkType.shutdownComplete) > 0, "the shutdown is complete");
  const second = ourAddresses(stage, transfer.family)[1];
  assert.ok(countTo(packets, second, ChunkType.heartbeatAck) > 0, "the second path is confirmed");
}

for (const carrier of Object.keys(CARRIERS) as Carrier[]) {
  for (const initiator of ["ours", "theirs"] as const) {
    for (const sender of ["ours", "theirs"] as const) {
      const family: Family = initiator === sender ? "v4" : "v6";
      const who = initiator === "ours" ? "we connect" : "it connects";
      const what = sender === "ours" ? "send" : "receive";
      const over = `${carrier} (${family === "v4" ? "IPv4" : "IPv6"})`;
      peerTest(
        `${who} over ${over} and we ${what} 10 MB`,
        (stage) => completeTransfer(stage, { carrier, family, sender, initiator }),
      );
    }
  }
}

/** Cuts the wire in use in mid-transfer, and checks that all arrives, by the other. */
async function surviveCut(stage: Stage, transfer: Transfer): Promise<void> {
  const { lab, capture, wires } = stage;
  const hash = await writePayload(lab.path("input"), SIZE, 2);
  for (const wire of wires) await wire.limit(DISTURBED_RATE);
  const { ours, theirs } = await startTransfer(stage, transfer);
  const { cut, other } = await cutInTheMiddle(wires, SIZE, () => fileSize(lab.path("output")));
  await bothFinish(ours, theirs);
  assert.equal(await hashFile(lab.path("output")), hash);
  const packets = await capture.assertClean();
  const receiver = transfer.sender === "ours" ? "b" : "a";
  const chunks = (index: number) =>
    countTo(packets, wires[index][receiver][transfer.family], ChunkType.data);
  assert.ok(chunks(cut) > 100, "the path that was cut carried data before");
  assert.ok(chunks(other) > 1000, `the other path carried ${chunks(other)} chunks of the rest`);
}

for (const carrier of Object.keys(CARRIERS) as Carrier[]) {
  for (const sender of ["ours", "theirs"] as const) {
    const initiator = sender;
    const what = sender === "ours" ? "what we send" : "what it sends";
    peerTest(
      `${what} over ${carrier} survives the silent loss of the active path`,
      (stage) =>
        surviveCut(stage, {
          carrier,
          family: "v4",
          sender,
          initiator,
          parameters: OUR_FAILOVER,
          sysctls: FAST_FAILOVER,
        }),
    );
  }
}

/**
 * Loses packets at random until a third has arrived, and checks that all arrives.
 * @returns how many of the chunks that acknowledge were SACKs, and how many NR-SACKs.
 */
async function surviveLoss(
  stage: Stage,
  transfer: Transfer,
): Promise<{ readonly sacks: number; readonly nrSacks: number }> {
  const { lab, capture, wires } = stage;
  const hash = await writePayload(lab.path("input"), SIZE, 8);
  for (const wire of wires) await wire.lose(LOST);
  const { ours, theirs } = await startTransfer(stage, transfer);
  const third = async () => await fileSize(lab.path("output")) >= SIZE / 3;
  await until("a third arrives", third);
  for (const wire of wires) await wire.heal();
  await bothFinish(ours, theirs);
  assert.equal(await hashFile(lab.path("output")), hash);
  const packets = await capture.assertClean();
  assert.equal(count(packets, ChunkType.abort), 0, "nobody aborts");
  return { sacks: count(packets, ChunkType.sack), nrSacks: count(packets, ChunkType.nrSack) };
}

for (const sender of ["ours", "theirs"] as const) {
  const what = sender === "ours" ? "what we send" : "what it sends";
  peerTest(
    `${what} arrives whole though every twentieth packet is lost`,
    async (stage) => {
      await surviveLoss(stage, {
        carrier: "raw IP",
        family: "v4",
        sender,
        initiator: sender,
        parameters: SHORT_TIMEOUTS,
        // Not RTO.Max: its T5-shutdown-guard follows it, and must not end what only takes time.
        sysctls: ["rto_initial=300", "rto_min=200"],
      });
    },
  );
}

for (const [sender, isAgreed] of [["ours", true], ["theirs", true], ["ours", false]] as const) {
  const what = sender === "ours" ? "what we send" : "what it sends";
  const how = isAgreed ? "for good, by NR-SACK" : "by SACK if the peer has no NR-SACK";
  peerTest(`${what} is acknowledged ${how}`, async (stage) => {
    const { sacks, nrSacks } = await surviveLoss(stage, {
      carrier: "raw IP",
      family: "v4",
      sender,
      initiator: sender === "ours" ? "theirs" : "ours",
      parameters: { ...SHORT_TIMEOUTS, nonRenegableSack: 1 },
      sysctls: ["rto_initial=300", "rto_min=200", `nrsack_enable=${isAgreed ? 1 : 0}`],
    });
    const [used, unused] = isAgreed ? [nrSacks, sacks] : [sacks, nrSacks];
    assert.ok(used > 50, `${used} acknowledgements`);
    assert.equal(unused, 0);
  });
}

peerTest("our ABORT ends its association", async (stage) => {
  const theirs = await stage.peer.start(stage.theirs, { port: PORT });
  await writePayload(stage.lab.path("input"), 100_000, 3);
  const ours = await startSctp(stage.ours, {
    port: PORT,
    peer: theirAddresses(stage),
    more: ["--abort"],
  }, { input: stage.lab.path("input") });
  await theirs.line(/^lost/);
  assert.equal((await theirs.finished()).code, PeerExit.lost);
  await ours.finished();
  const packets = await stage.capture.assertClean();
  assert.ok(count(packets, ChunkType.abort) > 0);
});

peerTest("its ABORT ends our association, and we say so", async (stage) => {
  const ours = await startSctp(stage.ours, { port: PORT, more: ["--once", "--json"] });
  await writePayload(stage.lab.path("input"), 100_000, 4);
  const theirs = await stage.peer.start(stage.theirs, {
    port: PORT,
    peer: ourAddresses(stage),
    send: stage.lab.path("input"),
    end: "abort",
  });
  assert.equal((await ours.finished()).code, 1);
  const { end } = reportOf(ours);
  assert.equal(end.graceful, false);
  assert.match(end.message ?? "", /abort/i);
  await theirs.finished();
  await stage.capture.assertClean();
});

for (const carrier of Object.keys(CARRIERS) as Carrier[]) {
  peerTest(
    `a peer that was killed comes back from the same port over ${carrier}`,
    async (stage) => {
      const { lab, peer, capture, wires } = stage;
      const { ours: udp, theirs: theirUdp } = CARRIERS[carrier];
      const ours = await startSctp(stage.ours, { port: PORT, udp, more: ["--echo", "--json"] });
      const dial = (options: Partial<PeerOptions>) =>
        peer.start(stage.theirs, {
          port: PORT,
          peer: ourAddresses(stage).slice(0, 1),
          local: theirAddresses(stage),
          localPort: 5555,
          udp: theirUdp,
          ...options,
        });
      const first = await dial({ end: "wait" });
      await first.line(/^path .* confirmed$/);
      // Unheard, so that its kernel's ICMP errors do not end the association before the restart.
      for (const wire of wires) await wire.cut();
      await first.kill();
      for (const wire of wires) await wire.heal();
      const size = 1_000_000;
      const hash = await writePayload(lab.path("input"), size, 5);
      const [send, receive] = [lab.path("input"), lab.path("output")];
      const second = await dial({ send, receive, expect: size });
      assert.equal((await second.finished()).code, PeerExit.shutdown, second.lines.join("\n"));
      assert.equal(await hashFile(receive), hash);
      await ours.line(/^{/);
      assert.equal(reportOf(ours).endpoint.restarts, 1, "RFC 9260, section 5.2.4, action A");
      // The new process may abort what was still on its way to the old one; we abort nothing.
      const packets = await capture.assertClean();
      const aborts = theirAddresses(stage).map((to) => countTo(packets, to, ChunkType.abort));
      assert.deepEqual(aborts, [0, 0]);
    },
  );
}

peerTest(
  "when we are killed and restarted, the peer's association ends and a new one works",
  async (stage) => {
    const { peer } = stage;
    const listen = () => startSctp(stage.ours, { port: PORT, more: ["--echo"] });
    const dial = (options: Partial<PeerOptions>) =>
      peer.start(stage.theirs, { port: PORT, peer: ourAddresses(stage).slice(0, 1), ...options });
    const sysctls = FAST_FAILOVER;
    const killed = await listen();
    const orphan = await dial({ end: "wait", sysctls });
    await orphan.line(/^path .* confirmed$/);
    await killed.kill();
    await listen();
    // Its next heartbeat is out of the blue for the new process, which answers with an ABORT.
    await orphan.line(/^lost/);
    assert.equal((await orphan.finished()).code, PeerExit.lost);
    await writePayload(stage.lab.path("input"), 1000, 6);
    const next = await dial({ send: stage.lab.path("input"), expect: 1000 });
    assert.equal((await next.finished()).code, PeerExit.shutdown, next.lines.join("\n"));
    await stage.capture.assertClean();
  },
);

peerTest("nobody listens: the refusal is told in words", async (stage) => {
  const theirs = await stage.peer.start(stage.theirs, { port: PORT + 1 });
  const ours = await startSctp(stage.ours, { port: PORT, peer: theirAddresses(stage) });
  assert.equal((await ours.finished()).code, 1);
  assert.match(ours.lines.join("\n"), /refus|abort/i);
  await theirs.kill();
  await stage.capture.assertClean();
});

for (const carrier of Object.keys(CARRIERS) as Carrier[]) {
  const { ours, theirs } = CARRIERS[carrier];
  const theirPorts = theirs ? [theirs.local, theirs.remote] : [];

  peerTest(`its echo_server sends back what we pipe over ${carrier}`, async (stage) => {
    const { lab } = stage;
    startExample(stage.theirs, "echo_server", theirPorts, { quiet: true });
    // The program echoes what one read gives, up to 10,240 bytes: larger messages are cut by it.
    const hash = await writePayload(lab.path("input"), 500_000, 7);
    const client = await connectWhenReady(stage, {
      port: ExamplePort.echo,
      peer: theirAddresses(stage).slice(0, 1),
      udp: ours,
      more: ["--message-size", 8000, "--linger", "1s"],
    }, { input: lab.path("input"), output: lab.path("output") });
    assert.equal(client.code, 0, client.lines.join("\n"));
    assert.equal(await hashFile(lab.path("output")), hash);
    await stage.capture.assertClean();
  });

  peerTest(`its discard_server takes what we generate over ${carrier}`, async (stage) => {
    startExample(stage.theirs, "discard_server", theirPorts, { quiet: true });
    const client = await connectWhenReady(stage, {
      port: ExamplePort.discard,
      peer: theirAddresses(stage).slice(0, 1),
      udp: ours,
      more: ["--send", "--count", 1000, "--message-size", 4000, "--json"],
    });
    assert.equal(client.code, 0, client.lines.join("\n"));
    await stage.capture.assertClean();
  });

  peerTest(`its tsctp counts what we generate over ${carrier}`, async (stage) => {
    const ports = theirs ? ["-E", theirs.local, "-U", theirs.remote] : [];
    const tsctp = startExample(stage.theirs, "tsctp", [...ports, "-p", ExamplePort.tsctp]);
    const client = await connectWhenReady(stage, {
      port: ExamplePort.tsctp,
      peer: theirAddresses(stage).slice(0, 1),
      udp: ours,
      more: ["--send", "--count", 1000, "--message-size", 1400],
    });
    assert.equal(client.code, 0, client.lines.join("\n"));
    // Length of the first message, messages, calls, bytes.
    await tsctp.line(/^1400, 1000, \d+, 1400000,/);
    await stage.capture.assertClean();
  });

  peerTest(`we discard what its tsctp sends over ${carrier}`, async (stage) => {
    const listener = await startSctp(stage.ours, {
      port: ExamplePort.tsctp,
      udp: ours,
      more: ["--discard", "--once", "--json"],
    });
    const ports = theirs ? ["-E", theirs.local, "-U", theirs.remote] : [];
    const load = ["-n", 1000, "-l", 1400, "-p", ExamplePort.tsctp, ourAddresses(stage)[0]];
    const tsctp = startExample(stage.theirs, "tsctp", [...ports, ...load], { quiet: true });
    await listener.succeeded();
    await tsctp.finished();
    const { received, end } = reportOf(listener);
    assert.deepEqual(end, { graceful: true });
    assert.deepEqual([received.messages, received.bytes], [1000, 1_400_000]);
    await stage.capture.assertClean();
  });
}

peerTest("its client talks to our echo", async (stage) => {
  const { ours, theirs } = CARRIERS.UDP;
  await startSctp(stage.ours, { port: ExamplePort.echo, udp: ours, more: ["--echo", "--once"] });
  const place = [ourAddresses(stage)[0], ExamplePort.echo, 0, theirs.local, theirs.remote];
  const client = startExample(stage.theirs, "client", place, { stdin: "piped" });
  await client.write("does this come back?\n");
  await client.line(/does this come back\?/);
  await client.closeInput();
  await client.finished();
  await stage.capture.assertClean();
});

/** Connects to a program that does not say when it is ready; a refusal before that is tried again. */
async function connectWhenReady(
  stage: Stage,
  command: SctpCommand,
  files: { input?: string; output?: string } = {},
): Promise<{ code: number; lines: readonly string[] }> {
  for (let attempt = 0;; attempt++) {
    const client = await startSctp(stage.ours, command, files);
    const finished = await client.finished();
    if (finished.code === 0 || attempt === 3) return finished;
  }
}
