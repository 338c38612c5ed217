/**
 * A TCP server with room for one connection that waits: tcp_backlog.ts PORT. It accepts nothing
 * before the line "accept" comes; "close" closes the listener. Knows nothing of SCTP.
 */
import { createInterface } from "node:readline";
import process from "node:process";
import { TcpListener, type TcpSocket } from "../../../core/net/tcp_socket.ts";
import { IpAddress } from "../../../core/sctp/base/address.ts";

const [port] = Deno.args;
const listener = new TcpListener({
  address: IpAddress.parse("0.0.0.0"),
  port: Number(port),
  backlog: 0,
});
const accepted: TcpSocket[] = [];

function acceptAll(): void {
  for (let next = listener.accept(); next; next = listener.accept()) {
    accepted.push(next.socket);
    next.socket.send(new TextEncoder().encode("welcome\n"), 0, 8);
    console.log(`client ${next.peer.address} ${next.peer.port}`);
  }
}

console.log("listening");
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "close") listener.close();
  if (line === "accept") setInterval(acceptAll, 50);
  console.log(`${line} obeyed`);
}
