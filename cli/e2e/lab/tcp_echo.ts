/**
 * A TCP server that sends back what it gets: tcp_echo.ts PORT. Says who comes, and how each one ends.
 * Knows nothing of SCTP.
 */
const [port] = Deno.args;

async function echo(conn: Deno.TcpConn): Promise<void> {
  const { hostname, port } = conn.remoteAddr;
  const client = `${hostname.replace("::ffff:", "")} ${port}`;
  console.log(`client ${client}`);
  const buffer = new Uint8Array(64 * 1024);
  let end = "end";
  try {
    for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
      for (let at = 0; at < count;) at += await conn.write(buffer.subarray(at, count));
    }
  } catch (error) {
    end = (error as Error).name;
  }
  conn.close();
  console.log(`left ${client}: ${end}`);
}

const listener = Deno.listen({ hostname: "::", port: Number(port) });
console.log("listening");
for await (const conn of listener) void echo(conn);
