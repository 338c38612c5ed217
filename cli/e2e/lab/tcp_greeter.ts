/**
 * A TCP server that tells each client its address: tcp_greeter.ts PORT [ADDRESS ...]. Knows nothing
 * of SCTP.
 */
const [port, ...addresses] = Deno.args;
const hostnames = addresses.length > 0 ? addresses : ["::"];

async function greet(listener: Deno.TcpListener): Promise<void> {
  for await (const conn of listener) {
    const { hostname, port } = conn.remoteAddr;
    console.log(`client ${hostname} ${port}`);
    await conn.write(new TextEncoder().encode(`${hostname} ${port}`)).catch(() => 0);
    conn.close();
  }
}

const listeners = hostnames.map((hostname) => Deno.listen({ hostname, port: Number(port) }));
console.log("listening");
await Promise.all(listeners.map(greet));
