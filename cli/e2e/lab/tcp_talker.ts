/**
 * A TCP client: tcp_talker.ts ADDRESS PORT. Says its own address once it is connected, sends each
 * line of its input and says what comes back, and how the connection ends. Knows nothing of SCTP.
 */
const [hostname, port] = Deno.args;

async function talk(conn: Deno.TcpConn): Promise<void> {
  for await (const part of Deno.stdin.readable) {
    for (let at = 0; at < part.length;) at += await conn.write(part.subarray(at));
  }
  await conn.closeWrite();
}

async function listen(conn: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(64 * 1024);
  const decoder = new TextDecoder();
  for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
    Deno.stdout.writeSync(new TextEncoder().encode(decoder.decode(buffer.subarray(0, count))));
  }
  return "end";
}

try {
  const conn = await Deno.connect({ hostname, port: Number(port) });
  console.log(`connected ${conn.localAddr.hostname} ${conn.localAddr.port}`);
  talk(conn).catch(() => {});
  console.log(await listen(conn).catch((error: Error) => error.name));
} catch (error) {
  console.log((error as Error).message);
}
Deno.exit(0);
