import assert from "node:assert/strict";
import { instant } from "../sctp/base/time.ts";
import { layLink, type LinkPlan, settingsOf } from "./link_plan.ts";
import { parseLink } from "./link_spec.ts";
import { Network } from "./network.ts";
import type { PacketHandler } from "./packet_handler.ts";

/** A handler that notes when packets come. */
class Noting implements PacketHandler {
  readonly arrivals: number[] = [];
  handlePacket(now: number): void {
    this.arrivals.push(now);
  }
  handleTimeout(): void {}
  handleIcmp(): void {}
  handleNetworkChange(): void {}
  pollTransmit(): boolean {
    return false;
  }
  pollEvent(): undefined {
    return undefined;
  }
  pollTimeout() {
    return instant(Infinity);
  }
}

function planOf(text: string): LinkPlan {
  const plan = parseLink(text);
  assert.ok(!("fault" in plan), text);
  return plan as LinkPlan;
}

/** When packets that are sent each 100 ms arrive at the far end, by a plan. */
function arrivals(text: string, until: number): number[] {
  const network = new Network(1);
  const far = new Noting();
  network.addHost("a", ["10.0.0.1"], { boot: () => new Noting() });
  network.addHost("b", ["10.0.0.2"], { boot: () => far });
  const { forward } = layLink(network, "10.0.0.1", "10.0.0.2", planOf(text));
  for (let at = 50; at < until; at += 100) {
    network.clock.at(instant(at), (now) => {
      forward.transmit(now, network.pool.take(new Uint8Array(1460), 0, 1460));
    });
  }
  network.clock.advanceTo(instant(until + 10_000));
  return far.arrivals;
}

Deno.test("a plan lays a link in the simulator, with what happens to it", () => {
  assert.deepEqual(arrivals("delay=20ms", 400), [70, 170, 270, 370]);
  assert.deepEqual(arrivals("delay=20ms,cut=100ms-300ms", 600), [70, 370, 470, 570]);
  assert.deepEqual(arrivals("delay=20ms,a.cut=200ms", 600), [70, 170]);
  assert.deepEqual(arrivals("delay=20ms,b.cut=0s", 200), [70, 170], "the other direction");
});

Deno.test("loss in bursts remembers for one link alone", () => {
  const { forward } = planOf("loss=burst:50%:50%");
  assert.notEqual(settingsOf(forward).loss, settingsOf(forward).loss);
});
