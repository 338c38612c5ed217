/**
 * Many TCP connections to an echo: tcp_crowd.ts ADDRESS PORT COUNT RAPID. Says "open COUNT" once words
 * have come back on each, keeps them, and makes RAPID more, one after the other, each of which it
 * closes. Says "made RAPID" then. When its input ends it says something on each that it has kept,
 * closes them, and says "closed". Knows nothing of SCTP.
 */
const [address, port, count, rapid] = Deno.args;

/** Connections that are being made at a time. */
const WIDTH = 64;

/** Sends words that no other connection sends, and waits until the same come back. */
async function converse(conn: Deno.TcpConn, words: string): Promise<void> {
  const sent = new TextEncoder().encode(words);
  for (let at = 0; at < sent.length;) at += await conn.write(sent.subarray(at));
  const back = new Uint8Array(sent.length);
  for (let at = 0; at < back.length;) {
    const read = await conn.read(back.subarray(at));
    if (read === null) throw new Error(`the end instead of "${words}"`);
    at += read;
  }
  const said = new TextDecoder().decode(back);
  if (said !== words) throw new Error(`"${said}" instead of "${words}"`);
}

async function connect(words: string): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ hostname: address, port: Number(port) });
  await converse(conn, words);
  return conn;
}

const open: Deno.TcpConn[] = [];
let begun = 0;

async function makeSome(): Promise<void> {
  while (begun < Number(count)) open.push(await connect(`first words of ${begun++}`));
}

await Promise.all(Array.from({ length: WIDTH }, makeSome));
console.log(`open ${open.length}`);
for (let i = 0; i < Number(rapid); i++) (await connect(`passing ${i}`)).close();
console.log(`made ${rapid}`);
for await (const _ of Deno.stdin.readable);
for (const [index, conn] of open.entries()) {
  await converse(conn, `last words of ${index}`);
  conn.close();
}
console.log("closed");
