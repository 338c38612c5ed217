/**
 * An RTP stream as a telephone sends it (RFC 3550, section 5.1; RFC 3551, section 4.5.14): 160 bytes of
 * G.711 each 20 ms. Knows nothing of SCTP.
 *
 * rtp_stream.ts send ADDRESS PORT COUNT: sends so many packets.
 * rtp_stream.ts receive PORT: says after every 25th packet, as JSON, what has come so far.
 */
import dgram from "node:dgram";

/** What a receiver has seen. */
export interface RtpReport {
  readonly received: number;
  /** Of those before the highest sequence number. */
  readonly lost: number;
  /** Milliseconds of the longest silence between two packets. */
  readonly longestGap: number;
  /** Where the last packet came from. */
  readonly from: string;
}

const HEADER_BYTES = 12;
const SAMPLES = 160;
const PERIOD = 20;
const REPORT_EVERY = 25;
const VERSION_2 = 0x80;
const PCMU = 0;
const SSRC = 0x534b4954;

function packet(sequence: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + SAMPLES).fill(0xff, HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes[0] = VERSION_2;
  bytes[1] = PCMU;
  view.setUint16(2, sequence);
  view.setUint32(4, sequence * SAMPLES);
  view.setUint32(8, SSRC);
  return bytes;
}

function send(address: string, port: number, count: number): void {
  const socket = dgram.createSocket(address.includes(":") ? "udp6" : "udp4");
  let sequence = 0;
  const start = performance.now();
  const timer = setInterval(() => {
    // A timer that comes late makes up for it, as a telephone's clock would.
    while (sequence < count && performance.now() - start >= sequence * PERIOD) {
      socket.send(packet(sequence++), port, address);
    }
    if (sequence < count) return;
    clearInterval(timer);
    socket.close();
  }, PERIOD);
}

function receive(port: number): void {
  const socket = dgram.createSocket("udp6");
  const seen = new Set<number>();
  let [last, longestGap, highest] = [performance.now(), 0, 0];
  socket.on("message", (bytes, { address, port }) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length !== HEADER_BYTES + SAMPLES || view.getUint32(8) !== SSRC) return;
    const now = performance.now();
    if (seen.size > 0) longestGap = Math.max(longestGap, now - last);
    last = now;
    const sequence = view.getUint16(2);
    seen.add(sequence);
    highest = Math.max(highest, sequence);
    if (seen.size % REPORT_EVERY !== 0) return;
    const lost = highest + 1 - seen.size;
    const from = `${address.replace("::ffff:", "")} ${port}`;
    const report: RtpReport = {
      received: seen.size,
      lost,
      longestGap: Math.round(longestGap),
      from,
    };
    console.log(JSON.stringify(report));
  });
  socket.bind(port, "::", () => console.log("receiving"));
}

if (import.meta.main) {
  const [mode, ...words] = Deno.args;
  if (mode === "send") send(words[0], Number(words[1]), Number(words[2]));
  else receive(Number(words[0]));
}
