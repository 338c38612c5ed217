/** The front as the kernel sees it, with a data plane that enables nothing. */
import assert from "node:assert/strict";
import { takeAway } from "../../net/queue_watchdog.ts";
import { needs } from "../../net/testing/requirements.ts";
import { HoldingHost, outcome, planOf, SERVERS, waitFor } from "../../net/testing/held_syns.ts";
import { EPOLLIN } from "../../net/constants.ts";
import { Configuration } from "../../rules/configuration.ts";
import { IpAddress } from "../../sctp/base/address.ts";
import { instant } from "../../sctp/base/time.ts";
import type { FrontPlane } from "../plane.ts";
import { NfqueueFront } from "./nfqueue_front.ts";

const NEEDS = ["linux", "ffi", "root", "netns", "nft", "iptables", "ipv6"] as const;
const PORT = 8080;

/** What is watched, and the handlers of what is not watched any more. */
class WatchingPlane {
  readonly watched = new Map<number, () => void>();
  readonly counters = { direct: 0 };

  get asFrontPlane(): FrontPlane {
    return {
      configuration: new Configuration(),
      counters: this.counters,
      namedApplications: false,
      now: () => instant(0),
      log: () => {},
      input: (descriptor: number, handler: () => void) => {
        this.watched.set(descriptor, handler);
        return () => void this.watched.delete(descriptor);
      },
    } as unknown as FrontPlane;
  }
}

Deno.test(
  needs(
    NEEDS,
    "a queue that is taken away is missed by nobody until there is a new one",
    async () => {
      using host = await HoldingHost.make();
      host.serve(PORT);
      host.apply(planOf());
      const plane = new WatchingPlane();
      const inside = <T>(action: () => T) => host.hosts.in(host.client, action);
      const front = inside(() => new NfqueueFront(plane.asFrontPlane, planOf().queue, 0));
      const [receive] = plane.watched.values();
      takeAway(front.descriptor);
      receive();
      const destination = { address: IpAddress.parse(SERVERS[0]), port: PORT };
      for (const sentence of ["direct", "carry", "refused", "drop"] as const) {
        front.sentence({ packet: 1, destination }, sentence);
      }
      front.stop();
      inside(() => front.reopen());
      assert.equal(plane.watched.size, 1);
      const socket = host.connect(SERVERS[0], PORT);
      assert.ok(waitFor(front.descriptor, EPOLLIN));
      plane.watched.get(front.descriptor)!();
      assert.equal(outcome(socket), 0, "no rule enables it");
      assert.equal(plane.counters.direct, 1);
      front.close();
      assert.equal(plane.watched.size, 0, "what still comes reaches nobody");
    },
  ),
);
