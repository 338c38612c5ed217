/** Icecast: a source that streams MP3 to it, and a listener that follows. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { ApplicationHosts } from "../lab/application_hosts.ts";
import { startIcecast } from "../lab/application_servers.ts";
import { cutInTheMiddle } from "../lab/cut.ts";
import { fileSize, writePayload } from "../lab/payload.ts";
import { type LabProcess, until } from "../lab/process.ts";
import {
  applicationTest,
  assertCarried,
  assertDirect,
  curl,
  FAMILIES,
  type Family,
  startClientShim,
} from "./stage.ts";

const PORT = 8000;
const PASSWORD = "hackme";

/** Bytes a second of uncompressed sound, and seconds of it. The MP3 has 2.4 MB. */
const SAMPLE_BYTES = 48_000 * 4;
const SECONDS = 60;

/** Bytes that a listener hears of a stream. */
const HEARD = 1_000_000;

/** Icecast, and something to send. */
interface Station {
  readonly log: string;
  readonly sound: string;
}

/** Starts Icecast, and makes an MP3 file of noise: no part of it comes again. */
async function startStation(hosts: ApplicationHosts): Promise<Station> {
  const [noise, sound] = [hosts.lab.path("noise"), hosts.lab.path("noise.mp3")];
  await writePayload(noise, SECONDS * SAMPLE_BYTES, 5);
  const encode = ["lame", "--quiet", "-r", "-s", "48", "-b", "320", "-q", "9", noise, sound];
  await hosts.client.spawn(encode).succeeded();
  return { log: await startIcecast(hosts, PASSWORD), sound };
}

/** A source on the client's host, and a listener there that writes what it hears into a file. */
interface Broadcast {
  readonly source: LabProcess;
  readonly listener: LabProcess;
  readonly heard: string;
}

/** Starts to stream, eight times as fast as it sounds, and to listen. */
async function broadcast(
  hosts: ApplicationHosts,
  { log, sound }: Station,
  family: Family,
): Promise<Broadcast> {
  const name = `live${family}`;
  const url = hosts.url("http", name, family, PORT);
  const login = ["--user", `source:${PASSWORD}`, "--header", "Content-Type: audio/mpeg"];
  const stream = [...login, "--limit-rate", "320k", "--upload-file", sound, url];
  const source = hosts.client.spawn(curl(...stream));
  const ready = `listener count on /${name} now 0`;
  await until(ready, async () => (await Deno.readTextFile(log)).includes(ready));
  const heard = hosts.lab.path(`heard${family}`);
  const listener = hosts.client.spawn(curl("--no-buffer", "--output", heard, url));
  return { source, listener, heard };
}

/** Ends the source, and with it the stream: the listener has heard a part of it without a gap. */
async function endBroadcast(
  { source, listener, heard }: Broadcast,
  { sound }: Station,
): Promise<void> {
  source.signal("SIGTERM");
  await listener.succeeded();
  const whole = Buffer.from(await Deno.readFile(sound));
  const part = await Deno.readFile(heard);
  assert.ok(whole.indexOf(part) >= 0, `${part.length} bytes were heard, but not in one piece`);
}

applicationTest(
  "icecast",
  "Icecast's listener misses nothing though a path is lost",
  async (hosts) => {
    const station = await startStation(hosts);
    await hosts.startShims(String(PORT));
    for (const family of FAMILIES) {
      const running = await broadcast(hosts, station, family);
      const arrived = () => fileSize(running.heard);
      await cutInTheMiddle(hosts.wires, HEARD, arrived);
      await until("it is heard further", async () => await arrived() >= HEARD);
      await endBroadcast(running, station);
    }
    await assertCarried(hosts, 4);
  },
);

applicationTest("icecast", "Icecast without a shim has TCP of its own", async (hosts) => {
  const station = await startStation(hosts);
  await startClientShim(hosts, PORT);
  for (const family of FAMILIES) {
    const running = await broadcast(hosts, station, family);
    await until("it is heard", async () => await fileSize(running.heard) >= HEARD / 4);
    assert.equal((await hosts.ownConnections("curl", PORT)).length, 2);
    await endBroadcast(running, station);
  }
  await assertDirect(hosts, 4);
});
