/** Our host and the Linux kernel's SCTP in a guest, which the tests of a file share. */
import { needs } from "../../../core/net/testing/requirements.ts";
import { Capture } from "./capture.ts";
import { Lab } from "./lab.ts";
import { KernelPeer } from "./uml.ts";

/** SCTP port of the listening side. */
export const PORT = 7777;

/** The guest, booted by the first test that runs. */
export interface Stage {
  readonly lab: Lab;
  readonly guest: KernelPeer;
}

let stage: Promise<Stage> | undefined;

async function openStage(): Promise<Stage> {
  const lab = Lab.open();
  try {
    return { lab, guest: await KernelPeer.boot(lab) };
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

Deno.test.afterAll(async () => {
  if (stage) await (await stage).lab[Symbol.asyncDispose]();
});

/** A test with a capture of our host; the guest is as it was booted, and gets so again. */
export function kernelTest(
  name: string,
  body: (stage: Stage, capture: Capture) => Promise<void>,
): void {
  const requirements = [
    "linux",
    "root",
    "netns",
    "nft",
    "tun",
    "raw-sockets",
    "ffi",
    "uml",
    "lksctp",
    "socat",
    "tcpdump",
    "tshark",
  ] as const;
  const test = async () => {
    const { lab, guest } = await (stage ??= openStage());
    const survivors = lab.processes;
    try {
      const capture = await Capture.start(guest.host, lab.path("capture.pcap"));
      await body({ lab, guest }, capture);
    } finally {
      await guest.reset();
      await lab.killAllBut(survivors);
    }
  };
  // The guest outlives the test that boots it.
  const options = { sanitizeOps: false, sanitizeResources: false };
  Deno.test(needs(requirements, `Linux kernel: ${name}`, test, options));
}
