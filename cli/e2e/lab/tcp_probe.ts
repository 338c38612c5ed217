/**
 * A TCP client that knows nothing of SCTP: connects, listens to the greeting, and says what it saw
 * as JSON: tcp_probe.ts ADDRESS PORT.
 */
import type { Probe } from "./intercepted.ts";

const [hostname, port] = Deno.args;
const start = performance.now();

function report(probe: Omit<Probe, "milliseconds">, end: number): void {
  console.log(JSON.stringify({ ...probe, milliseconds: end - start }));
}

console.log("connecting");
try {
  const conn = await Deno.connect({ hostname, port: Number(port) });
  const end = performance.now();
  const { localAddr, remoteAddr } = conn;
  const greeting = await new Response(conn.readable).text();
  report({
    error: "",
    local: `${localAddr.hostname} ${localAddr.port}`,
    remote: `${remoteAddr.hostname} ${remoteAddr.port}`,
    greeting,
  }, end);
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  report({ error: message, local: "", remote: "", greeting: "" }, performance.now());
}
