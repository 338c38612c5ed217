/**
 * An FTP client that takes its time: `ftp_client.ts ADDRESS active|passive FILE`. It accepts the
 * server's data connection once it has read the 150 reply (Bickhart 2005, section 3.2.2), or, passive,
 * reads the data once the server has said that all is sent. Prints each reply, and what came as JSON.
 */
import { createHash } from "node:crypto";

const [address, mode, file] = Deno.args;
const control = await Deno.connect({ hostname: address, port: 21 });
const replies = control.readable.pipeThrough(new TextDecoderStream()).getReader();
let received = "";

/** Reads to the end of a reply (RFC 959, section 4.2) and gives its last line. */
async function reply(code: number): Promise<string> {
  for (;;) {
    const line = /^(\d{3}) .*\r\n/m.exec(received);
    if (line) {
      received = received.slice(line.index + line[0].length);
      console.log(line[0].trim());
      if (Number(line[1]) !== code) throw new Error(`${line[0].trim()} instead of ${code}`);
      return line[0];
    }
    const { value, done } = await replies.read();
    if (done) throw new Error("the server has closed the control connection");
    received += value;
  }
}

async function command(words: string, code: number): Promise<string> {
  await control.write(new TextEncoder().encode(`${words}\r\n`));
  return await reply(code);
}

/** Has the server connect to us; the connection is accepted when it is asked for. */
async function active(): Promise<() => Promise<Deno.Conn>> {
  const listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  const { port } = listener.addr;
  const host = control.localAddr.hostname.replaceAll(".", ",");
  await command(`PORT ${host},${port >> 8},${port & 255}`, 200);
  return () => listener.accept();
}

async function passive(): Promise<() => Promise<Deno.Conn>> {
  const answer = /\((\d+,\d+,\d+,\d+),(\d+),(\d+)\)/.exec(await command("PASV", 227))!;
  const port = Number(answer[2]) * 256 + Number(answer[3]);
  const data = await Deno.connect({ hostname: answer[1].replaceAll(",", "."), port });
  return () => Promise.resolve(data);
}

await reply(220);
await command("USER anonymous", 230);
await command("TYPE I", 200);
const connection = mode === "active" ? await active() : await passive();
await command(`RETR ${file}`, 150);
if (mode === "passive") await reply(226);
const data = await connection();
const hash = createHash("sha256");
let bytes = 0;
for await (const part of data.readable) {
  hash.update(part);
  bytes += part.length;
}
if (mode === "active") await reply(226);
console.log(JSON.stringify({ bytes, sha256: hash.digest("hex") }));
Deno.exit(0);
