/** `shimkit shimd` as its users meet it: options, a pair of processes, signals. */
import assert from "node:assert/strict";
import { needs } from "../core/net/testing/requirements.ts";
import { newAssociationMetrics } from "../core/sctp/metrics.ts";
import type { ConnectionStatus, ShimStatus } from "../core/shim/status.ts";
import type { PathInfo } from "../core/socket/info.ts";
import { LabProcess } from "./e2e/lab/process.ts";
import { runProgram } from "./program.ts";
import { parseCommand } from "./shimd_control.ts";
import { formatBytes, statusLines } from "./shimd_status.ts";
import { collectingIo } from "./testing/collecting_io.ts";

const MAIN = new URL("./main.ts", import.meta.url).pathname;
const NEEDS = ["linux", "ffi"] as const;

async function fails(...args: readonly string[]): Promise<[code: number, message: string]> {
  const { io, err } = collectingIo();
  const code = await runProgram(["shimd", "--no-control", ...args], io);
  return [code, err.join("\n")];
}

Deno.test("shimd says what is wrong with its options, and exits with 2", async () => {
  const wrong: [string[], RegExp][] = [
    [[], /nothing to do[^]*--forward/],
    [["--forward", "2222=server"], /the server needs a port[^]*127\.0\.0\.1:2222=server:22/],
    [["--serve", "http"], /: "http" is no port/],
    [["--forward", "7001=localhost:7001"], /127\.0\.0\.1:7001 leads back to itself[^]*another/],
    [["--serve", "22", "--instance", "1"], /--instance is a number for[^]*--serve-listeners/],
    [["--serve", "22", "--front", "redirect"], /--front says how[^]*--intercept/],
    [["--serve", "22", "--param", "rtoMin=5000", "--param", "rtoMax=1000"], /must not be above/],
    [["--serve", "22", "--auth-key", "1:/nowhere/key"], /no key file \/nowhere\/key[^]*openssl/],
  ];
  for (const [args, message] of wrong) {
    const [code, text] = await fails(...args);
    assert.equal(code, 2, text);
    assert.match(text, message);
  }
});

Deno.test(needs(NEEDS, "shimd names what is not to be had, and exits with 1", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const local = ["--local", "127.0.3.1"];
  const { port } = taken.addr;
  const busy = await fails("--forward", `127.0.0.1:${port}=127.0.3.2:22`, ...local);
  assert.equal(busy[0], 1);
  assert.match(busy[1], new RegExp(`127.0.0.1 port ${port}.*in use`));
  const foreign = await fails("--serve", "22", "--local", "192.0.2.1");
  assert.equal(foreign[0], 1);
  assert.match(foreign[1], /192\.0\.2\.1/);
}));

function start(...args: readonly string[]): LabProcess {
  return new LabProcess([
    Deno.execPath(),
    "run",
    "--quiet",
    "-A",
    MAIN,
    "shimd",
    "--no-control",
    ...args,
  ], {
    stdin: "piped",
  });
}

Deno.test(
  needs(
    NEEDS,
    "two processes carry a connection, tell their status, and end on SIGTERM",
    async () => {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const serve = ["--serve", `7=${listener.addr.port}`, "--local", "127.0.3.2", "--udp", "0"];
      const server = start(...serve, "--log-level", "info");
      const serving = await server.line(/^serving SCTP port 7 from TCP 127\.0\.0\.1:\d+ by SCTP/);
      const udpPort = /UDP port (\d+)$/.exec(serving)![1];
      const client = start(
        ...["--forward", "0=127.0.3.2:7", "--local", "127.0.3.1", "--udp", "0"],
        ...["--udp-remote", udpPort, "--json", "--control-stdin"],
      );
      try {
        const ready = JSON.parse(await client.line(/"ready"/));
        const conn = await Deno.connect({ hostname: "127.0.0.1", port: ready.listeners[0].port });
        const accepted = await listener.accept();
        await accepted.write(new TextEncoder().encode("hi"));
        assert.equal(await conn.read(new Uint8Array(10)), 2);
        await client.write('{"kind":"nonsense"}\n{"kind":"status"}\n');
        await client.line(/^not a command: \{"kind":"nonsense"\}$/);
        const status = JSON.parse(await client.line(/"kind":"status"/));
        assert.equal(status.connections[0].state, "ACTIVE");
        assert.equal(status.connections[0].bytesIn, 2);
        assert.match(await server.line(/NATIVE/), /carried over SCTP from a shim/);
        server.signal("SIGTERM");
        assert.equal((await server.finished()).code, 0);
        await assert.rejects(conn.read(new Uint8Array(10)), Deno.errors.ConnectionReset);
        await assert.rejects(accepted.read(new Uint8Array(10)), Deno.errors.ConnectionReset);
        conn.close();
        accepted.close();
        await client.closeInput();
        assert.equal((await client.finished()).code, 0);
      } finally {
        await Promise.all([server.kill(), client.kill()]);
      }
    },
  ),
);

/** A TCP server, its shimd with a shared key, and what a client's shimd says of a connection to it. */
class KeyedServer implements AsyncDisposable {
  readonly #folder = Deno.makeTempDirSync();
  readonly #listener = Deno.listen({ hostname: "127.0.3.2", port: 0 });
  readonly #processes: LabProcess[] = [];

  key(byte: string): string {
    const path = `${this.#folder}/${byte}`;
    Deno.writeTextFileSync(path, byte.repeat(32), { mode: 0o600 });
    return path;
  }

  /** Settings by which TCP waits until SCTP has failed. */
  get #patience(): string {
    const path = `${this.#folder}/patience.toml`;
    Deno.writeTextFileSync(path, "[net.inet.sctp.shim]\nhead_start = 60000\n");
    return path;
  }

  async start(): Promise<string> {
    const { port } = this.#listener.addr;
    const words = ["--serve", `${port}=127.0.3.2:${port}`, "--local", "127.0.3.2", "--udp", "0"];
    const serving = await this.#spawn(...words, "--auth-key", `1:${this.key("5a")}`)
      .line(/^serving SCTP port/);
    return /UDP port (\d+)$/.exec(serving)![1];
  }

  /** The client's side of a connection by which a byte came from the server. */
  async connect(udpPort: string, ...more: readonly string[]): Promise<Record<string, string>> {
    const client = this.#spawn(
      ...["--forward", `0=127.0.3.2:${this.#listener.addr.port}`, "--local", "127.0.3.1"],
      ...["--udp", "0", "--udp-remote", udpPort, "--json", "--control-stdin"],
      ...["--file", this.#patience, ...more],
    );
    const ready = JSON.parse(await client.line(/"ready"/));
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: ready.listeners[0].port });
    using accepted = await this.#listener.accept();
    await accepted.write(new Uint8Array(1));
    await conn.read(new Uint8Array(1));
    await client.write('{"kind":"status"}\n');
    const [connection] = JSON.parse(await client.line(/"kind":"status"/)).connections;
    await client.closeInput();
    await client.finished();
    return connection;
  }

  #spawn(...args: readonly string[]): LabProcess {
    const process = start(...args);
    this.#processes.push(process);
    return process;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.kill()));
    this.#listener.close();
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

Deno.test(
  needs(
    NEEDS,
    "a shimd with a key is associated with by those who have it, others get TCP",
    async () => {
      await using server = new KeyedServer();
      const udpPort = await server.start();
      const friend = await server.connect(udpPort, "--auth-key", `1:${server.key("5a")}`);
      assert.equal(friend.carrier, "sctp", friend.reason);
      const hasty = ["--param", "rtoInitial=300", "--param", "rtoMin=300", "--init-rtx-max", "1"];
      const strangers: [args: string[], reason: RegExp][] = [
        [[], /wants to be asked with a shared key/],
        [["--auth-key", `1:${server.key("a5")}`, ...hasty], /did not answer/],
        [["--param", "authentication=0"], /refused.*Missing Mandatory Parameter/],
      ];
      for (const [args, reason] of strangers) {
        const stranger = await server.connect(udpPort, ...args);
        assert.equal(stranger.carrier, "tcp", stranger.reason);
        assert.match(stranger.reason, reason);
      }
    },
  ),
);

Deno.test("a line of commands is understood, or said to be wrong in words", () => {
  assert.deepEqual(parseCommand('{"kind":"status"}'), { kind: "status" });
  assert.deepEqual(parseCommand('{"kind":"stop"}'), { kind: "stop", drain: 0 });
  assert.deepEqual(parseCommand('{"kind":"stop","drain":5}'), { kind: "stop", drain: 5 });
  assert.deepEqual(
    parseCommand('{"kind":"cut","remote":"FD00::0:1"}'),
    { kind: "cut", remote: "fd00::1" },
  );
  for (const line of ["", "stop", "[]", "null", '{"kind":"fly"}']) {
    assert.match(String(parseCommand(line)), /^not a command/);
  }
  assert.match(String(parseCommand('{"kind":"stop","drain":-1}')), /"drain" takes/);
  assert.match(String(parseCommand('{"kind":"heal","remote":"server"}')), /"remote" takes/);
});

/** A daemon with a connection by TCP. */
const STATUS: ShimStatus = {
  uptime: 1234,
  transport: {
    kind: "udp",
    port: 9899,
    addresses: ["10.0.0.1"],
    packetsSent: 0,
    bytesSent: 0,
    packetsReceived: 0,
    bytesReceived: 0,
    cutPackets: 0,
  },
  engine: { associations: 0, bufferedBytes: 0 },
  listeners: [],
  counters: {
    accepted: 2,
    held: 0,
    associated: 0,
    carried: 1,
    multiplexed: 0,
    trunks: 0,
    malformedTrunks: 0,
    fellBack: 1,
    direct: 0,
    refused: 0,
    closed: 0,
    broken: 0,
  },
  connections: [{
    id: 2,
    side: "client",
    state: "READY",
    reason: "fell back to TCP: nobody there",
    carrier: "tcp",
    local: "127.0.0.1:5000",
    remote: "server:22",
    bytesOut: 999,
    bytesIn: 25_000_000,
    association: undefined,
    stream: undefined,
  }],
  trunks: [],
  datagrams: {
    counters: { opened: 1, accepted: 0, carriedOut: 20, plainOut: 2, carriedIn: 19 },
    dropped: {
      sendBufferFull: 3,
      malformed: 0,
      unknownFlow: 1,
      refused: 0,
      tooLong: 0,
      notDelivered: 0,
    },
    flowCount: 301,
    flows: [{
      side: "client",
      state: "ACTIVE",
      reason: "carried over SCTP",
      carrier: "sctp",
      local: "10.0.0.1:5000",
      remote: "10.0.0.2:53",
      carriedOut: 20,
      plainOut: 2,
      carriedIn: 19,
    }],
  },
  ended: [],
};

const PATH: PathInfo = {
  local: "10.0.0.1",
  remote: "10.0.0.2",
  encapsulationPort: 9899,
  status: "active",
  primary: true,
  srtt: 1,
  rto: 1000,
  cwnd: 4380,
  ssthresh: 100_000,
  flightSize: 0,
  pmtu: 1500,
  errorCount: 0,
  metrics: {
    packetsSent: 0,
    bytesSent: 0,
    packetsReceived: 0,
    bytesReceived: 0,
    chunksRetransmitted: 0,
    timeouts: 0,
    fastRetransmits: 0,
    heartbeatsSent: 0,
    heartbeatsAcked: 0,
    ecnReductions: 0,
    mtuProbesSent: 0,
    mtuProbesAcked: 0,
  },
};

Deno.test("the status is shown with a line for each connection and each path of it", () => {
  const lines = statusLines(STATUS);
  assert.deepEqual(lines, [
    "up 1.2 s: 1 open, 1 carried, 1 fell back, 0 closed, 0 broken",
    "  2 127.0.0.1:5000 - server:22 by TCP: READY, fell back to TCP: nobody there; " +
    "999 B out, 25.0 MB in",
    "UDP: 301 flows; 20 datagrams sent by SCTP, 2 by UDP, 19 received by SCTP, " +
    "4 dropped (3 send buffer full, 1 unknown flow)",
    "  10.0.0.1:5000 - 10.0.0.2:53 by SCTP: ACTIVE, carried over SCTP; " +
    "sent 20 by SCTP, 2 by UDP, received 19 by SCTP",
    "  and 300 flows more",
  ]);
});

Deno.test("connections that share an association show their streams, and its paths once", () => {
  const association = {
    id: 7,
    shimState: "HIDDEN",
    peerIsShim: true,
    state: "ESTABLISHED",
    localPort: 1,
    remotePort: 2,
    inboundStreams: 128,
    outboundStreams: 128,
    extensions: [6525, 8260],
    bufferedBytes: 0,
    readableBytes: 0,
    metrics: newAssociationMetrics(),
    paths: [PATH],
  } as const;
  const connection = (id: number, stream: number): ConnectionStatus => ({
    ...STATUS.connections[0],
    id,
    state: "ACTIVE",
    reason: "carrying",
    carrier: "sctp",
    association,
    stream,
  });
  const counters = { ...STATUS.counters, carried: 3, multiplexed: 2, trunks: 1 };
  const lines = statusLines({
    ...STATUS,
    datagrams: undefined,
    counters,
    connections: [connection(3, 1), connection(4, 2)],
    trunks: [
      { side: "client", remote: "10.0.0.2:22", connections: 2, association },
      {
        side: "client",
        remote: "10.0.0.3:22",
        connections: 0,
        association: { ...association, id: 8 },
      },
    ],
  });
  assert.match(lines[0], /2 open, 3 carried \(2 by shared associations\)/);
  assert.match(lines[1], /server:22 by SCTP, stream 1 of association 7: ACTIVE/);
  assert.match(lines[2], /10\.0\.0\.1 > 10\.0\.0\.2/);
  assert.match(lines[3], /server:22 by SCTP, stream 2 of association 7: ACTIVE/);
  assert.match(lines[4], /association 7 with 10\.0\.0\.2:22, to be shared: ESTABLISHED, 2 conn/);
  assert.match(lines[5], /association 8 with 10\.0\.0\.3:22, to be shared: ESTABLISHED, 0 conn/);
  assert.match(lines[6], /10\.0\.0\.1 > 10\.0\.0\.2/);
  assert.equal(lines.length, 7);
});

Deno.test("sizes are shown with three digits", () => {
  assert.deepEqual(
    [0, 999, 1000, 12_345, 999_499, 999_500, 1.5e12].map(formatBytes),
    ["0 B", "999 B", "1.00 kB", "12.3 kB", "999 kB", "1.00 MB", "1.50 TB"],
  );
});
