import assert from "node:assert/strict";
import type { Ecn } from "../sctp/packet.ts";
import { ErrorQueueReader } from "./icmp.ts";
import { resolveBoundAddresses } from "./interfaces.ts";
import { type LocalSocket, RouteFinder } from "./local_socket.ts";
import { MessageSender } from "./message_sender.ts";
import { newMetrics } from "./metrics.ts";
import { PacketSender } from "./packet_sender.ts";
import { AddressCache } from "./sockaddr.ts";
import {
  address,
  assertPackets,
  batchOf,
  collect,
  routeBetween,
} from "./testing/packet_io_support.ts";
import { needs } from "./testing/requirements.ts";
import { openUdpIo } from "./udp_io.ts";

/** Makes the kernel refuse with EINVAL what is to be cut up, as one without UDP_SEGMENT does. */
class Uncuttable extends MessageSender {
  override segment(): void {
    this.mark(999 as Ecn, 4);
  }
}

Deno.test(
  needs(
    ["linux", "ffi"],
    "where the kernel does not cut messages up, packets go one by one, and it is not asked again",
    async () => {
      const local = address("127.0.0.1");
      const first = openUdpIo({ port: 0, addresses: [local] });
      const second = openUdpIo({ port: 0, addresses: [local] });
      const [bound] = resolveBoundAddresses([local]);
      const socket: LocalSocket = {
        descriptor: first.descriptors[0],
        family: 4,
        bound,
        interfaceIndex: 0,
        errorQueued: false,
      };
      const metrics = newMetrics();
      const finder = new RouteFinder([socket], [bound], [bound]);
      const errors = new ErrorQueueReader("udp", new AddressCache());
      const sender = new PacketSender(finder, metrics, errors, true, new Uncuttable(8));
      const lengths = [1000, 1000, 1000, 500, 500];
      const route = routeBetween(local, local, second);
      assert.equal(sender.send(batchOf(lengths, () => route), 0), 5);
      assertPackets(await collect(second, 5), lengths);
      assert.equal(sender.segmentation, false);
      assert.equal(metrics.packetsSent, 5);
      assert.equal(metrics.sendErrors.size, 0);
      const calls = metrics.sendCalls;
      sender.send(batchOf(lengths, () => route), 0);
      assert.equal(metrics.sendCalls, calls + 1);
      assertPackets(await collect(second, 5), lengths);
      first.close();
      second.close();
    },
  ),
);
