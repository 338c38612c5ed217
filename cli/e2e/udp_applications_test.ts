/** UDP applications that know nothing of SCTP: DNS, iperf3 and an RTP stream, over a path that is cut. */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import type { FlowStatus } from "../../core/shim/datagrams/status.ts";
import { ApplicationHosts, type Side } from "./lab/application_hosts.ts";
import type { LabProcess } from "./lab/process.ts";
import { until } from "./lab/process.ts";
import type { RtpReport } from "./lab/rtp_stream.ts";

const NEEDS = ["linux", "root", "netns", "nft", "iptables", "ffi", "ipv6", "dns"] as const;
const FAMILIES = [4, 6] as const;
type Family = typeof FAMILIES[number];

const DNS = 53;
/** Enabled by the rules, but nobody is there. */
const NOBODY = 5300;
const RTP = 5004;
const IPERF = 5201;
const NAME = "lab.test";
const ANSWER = "192.0.2.7";
/** Seconds that iperf3 sends: the path is cut in the third or fourth. */
const SECONDS = 9;
/** Packets of the RTP stream: a minute of them, and it is ended once enough is known. */
const RTP_PACKETS = 3000;

const RTP_STREAM = new URL("lab/rtp_stream.ts", import.meta.url).pathname;

function rtp(...words: readonly (string | number)[]): readonly string[] {
  return [Deno.execPath(), "run", "--quiet", "-A", RTP_STREAM, ...words.map(String)];
}

/** Starts a DNS server that knows one name. */
async function startDns({ server }: ApplicationHosts): Promise<LabProcess> {
  const places = ["--conf-file=/dev/null", "--pid-file=", "--log-facility=-", "--user=root"];
  const records = ["--no-resolv", "--no-hosts", `--address=/${NAME}/${ANSWER}`];
  const dns = server.spawn(["dnsmasq", "--keep-in-foreground", ...places, ...records]);
  await dns.line(/started/);
  return dns;
}

/** What dig says, asked once: the answer, or why there is none. */
async function dig(hosts: ApplicationHosts, family: Family, port = DNS): Promise<string> {
  const words = ["+short", "+tries=1", "+timeout=3", "-p", String(port)];
  const server = `@${hosts.address("server", family)}`;
  const asked = hosts.client.spawn(["dig", ...words, server, NAME]);
  return (await asked.finished()).lines.join("\n");
}

async function flowsTo(hosts: ApplicationHosts, port: number): Promise<readonly FlowStatus[]> {
  const { datagrams } = await hosts.status("client");
  return datagrams!.flows.filter(({ remote }) => remote.endsWith(`:${port}`));
}

/** Asks until an answer has come over SCTP; every question is answered, whichever way. */
async function askUntilCarried(hosts: ApplicationHosts, family: Family): Promise<void> {
  const server = hosts.address("server", family);
  const carried = async () =>
    (await flowsTo(hosts, DNS)).filter(({ remote, carriedIn }) =>
      remote.includes(server) && carriedIn > 0
    ).length;
  const before = await carried();
  await until(`an answer over SCTP from ${server}`, async () => {
    assert.equal(await dig(hosts, family), ANSWER);
    return await carried() > before;
  });
}

async function enable(hosts: ApplicationHosts, side: Side, ...ports: number[]): Promise<void> {
  const chain = side === "client" ? "remote" : "local";
  for (const port of ports) await hosts.rule(side, `-c ${chain} -p enable -P udp -s ${port}`);
}

/** What a receiver has reported last. */
function reported(receiver: LabProcess): RtpReport | undefined {
  const line = receiver.lines.findLast((one) => one.startsWith("{"));
  return line === undefined ? undefined : JSON.parse(line);
}

Deno.test(
  needs(
    [...NEEDS, "iperf3"],
    "UDP: DNS, iperf3 and RTP outlive a path",
    async () => {
      await using hosts = await ApplicationHosts.open();
      for (const side of ["client", "server"] as const) await enable(hosts, side, DNS, RTP, IPERF);
      // iperf3 says by TCP what it measures by UDP.
      await hosts.startShims(String(IPERF));
      await startDns(hosts);
      for (const family of FAMILIES) await askUntilCarried(hosts, family);

      const receiver = hosts.server.spawn(rtp("receive", RTP));
      const iperfServer = hosts.server.spawn(["iperf3", "--server", "--one-off", "--forceflush"]);
      await Promise.all([receiver.line(/receiving/), iperfServer.line(/listening/)]);
      const server = hosts.address("server");
      const sender = hosts.client.spawn(rtp("send", server, RTP, RTP_PACKETS));
      const load = ["--udp", "--bitrate", "2M", "--length", "1000", "--time", String(SECONDS)];
      const iperf = hosts.client.spawn([
        "iperf3",
        "--client",
        server,
        ...load,
        "--json",
        "--get-server-output",
      ]);
      await until("both streams are carried", async () => {
        const flows = [...await flowsTo(hosts, RTP), ...await flowsTo(hosts, IPERF)];
        return flows.filter(({ carrier, carriedOut }) => carrier === "sctp" && carriedOut > 20)
          .length === 2;
      });
      const before = reported(receiver)?.received ?? 0;
      await hosts.wires[0].cut();
      for (const family of FAMILIES) {
        await until(`DNS over IPv${family}`, async () => await dig(hosts, family) === ANSWER);
      }
      await until("RTP goes on", () => (reported(receiver)?.received ?? 0) >= before + 100);
      await sender.kill();
      await iperf.succeeded();
      const { lost, received, longestGap, from } = reported(receiver)!;
      console.log(`  RTP: ${received} received, ${lost} lost, longest gap ${longestGap} ms`);
      assert.match(
        from,
        new RegExp(`^${hosts.address("client")} `),
        "the application's own address",
      );
      assert.ok(lost < received / 2, `${lost} lost, ${received} received`);
      assertIperf(iperf);
      for (const port of [RTP, IPERF]) {
        const [flow] = await flowsTo(hosts, port);
        assert.deepEqual([flow.state, flow.carrier], ["ACTIVE", "sctp"]);
      }
    },
  ),
);

/** That datagrams came to the server until the end. */
function assertIperf({ lines }: LabProcess): void {
  const { end: { sum }, server_output_text: text } = JSON.parse(
    lines.slice(lines.indexOf("{")).join("\n"),
  );
  console.log(`  iperf3: ${sum.packets} sent, ${sum.lost_packets} lost`);
  assert.ok(sum.lost_packets < sum.packets / 2, `${sum.lost_packets} of ${sum.packets} lost`);
  const rates = [...text.matchAll(/ ([\d.]+) \w?bits\/sec +[\d.]+ ms/g)].map(([, rate]) =>
    Number(rate)
  );
  // The last one is the sum of all.
  assert.ok(rates.length > SECONDS / 2, text);
  assert.ok(rates.slice(-4, -1).some((rate) => rate > 0), "datagrams come until the end");
}

Deno.test(
  needs(NEEDS, "UDP: where a shim is not there, hangs or has died, it is plain UDP", async () => {
    await using hosts = await ApplicationHosts.open();
    for (const side of ["client", "server"] as const) await enable(hosts, side, DNS, NOBODY);
    const dns = await startDns(hosts);
    const clientShim = await hosts.startShim("client");
    for (const family of FAMILIES) {
      for (let i = 0; i < 2; i++) assert.equal(await dig(hosts, family), ANSWER);
      assert.match(await dig(hosts, family, NOBODY), /connection refused/);
    }
    await until("the server's host is known to carry no datagrams", async () => {
      await dig(hosts, 4);
      return (await hosts.shim("client").availability())[0]?.available === "no";
    });
    const { datagrams } = await hosts.status("client");
    assert.equal(datagrams!.counters.carriedOut, 0);

    const serverShim = await hosts.startShim("server");
    await hosts.forgetAvailability("client");
    for (const family of FAMILIES) await askUntilCarried(hosts, family);
    // The kernel sends so many ICMP errors to one host and no more.
    const refused = (what: string, port: number) =>
      until(what, async () => /connection refused/.test(await dig(hosts, 4, port)));
    await refused("a refusal as without a shim", NOBODY);
    await dns.kill();
    await refused("a refusal of a query that was carried", DNS);
    await startDns(hosts);

    const answered = (what: string) =>
      until(what, async () => await dig(hosts, 4) === ANSWER && await dig(hosts, 6) === ANSWER);
    clientShim.signal("SIGSTOP");
    await answered("DNS beside a shim that hangs");
    clientShim.signal("SIGCONT");
    await answered("DNS after it has come back");
    for (const family of FAMILIES) await askUntilCarried(hosts, family);

    await serverShim.kill();
    await answered("DNS without the server's shim");
    await clientShim.kill();
    for (const family of FAMILIES) assert.equal(await dig(hosts, family), ANSWER);
  }),
);
