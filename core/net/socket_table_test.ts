import assert from "node:assert/strict";
import { IpAddress } from "../sctp/base/address.ts";
import { processWithSocket } from "./process_sockets.ts";
import { listSockets, otherHolder } from "./socket_table.ts";
import { needs } from "./testing/requirements.ts";

const HERE = IpAddress.parse("127.0.0.1");
const ELSEWHERE = IpAddress.parse("127.0.0.2");
const ANYWHERE = IpAddress.parse("0.0.0.0");
const OTHER_FAMILY = IpAddress.parse("::1");

function udpSocket(hostname: string): Deno.DatagramConn {
  return Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
}

function portOf({ addr }: Deno.DatagramConn): number {
  return (addr as Deno.NetAddr).port;
}

Deno.test(needs(["linux", "ipv6"], "sockets of both families are listed with their process", () => {
  for (const hostname of ["127.0.0.1", "::1"]) {
    const socket = udpSocket(hostname);
    const listed = listSockets("udp").find(({ address, port }) =>
      port === portOf(socket) && address.text === hostname
    );
    assert.match(processWithSocket(listed!.inode)!, new RegExp(`^process ${Deno.pid} \\(`));
    socket.close();
  }
  assert.equal(processWithSocket(-1), undefined);
}));

Deno.test(
  needs(["linux", "ipv6"], "only another process is in the way, and only where it is", async () => {
    const own = udpSocket("127.0.0.1");
    assert.equal(otherHolder("udp", portOf(own), []), undefined, "this process is no other");
    own.close();
    const program =
      `const s = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    console.log(s.addr.port); await s.receive();`;
    const other = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--unstable-net", program],
      stdout: "piped",
    }).spawn();
    const reader = other.stdout.getReader();
    const port = Number(new TextDecoder().decode((await reader.read()).value));
    const named = new RegExp(`^process ${other.pid} \\(`);
    for (const addresses of [[], [HERE], [ELSEWHERE, HERE], [ANYWHERE]]) {
      assert.match(otherHolder("udp", port, addresses)!, named, addresses.join());
    }
    for (const address of [ELSEWHERE, OTHER_FAMILY]) {
      assert.equal(otherHolder("udp", port, [address]), undefined, address.text);
    }
    other.kill();
    await other.status;
    await reader.cancel();
  }),
);
