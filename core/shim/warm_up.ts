/**
 * Has the engine's code compiled before the first connection needs it: a cold handshake takes tens of
 * milliseconds on each side, several times that on a busy machine, and could lose the race against
 * the head start.
 */
import type { AuthenticationOptions } from "../sctp/auth/options.ts";
import { IpAddress } from "../sctp/base/address.ts";
import { type CopyBytes, copyBytes } from "../sctp/base/copy.ts";
import { heapPages } from "../sctp/base/slab_pool.ts";
import { Endpoint } from "../sctp/endpoint.ts";
import type { Environment } from "../sctp/environment.ts";
import type { SctpEvent } from "../sctp/events.ts";
import type { ReceiveInfo } from "../sctp/rx/reassembly.ts";
import type { SendOptions } from "../sctp/tx/send_queue.ts";
import { DirectLink } from "../sim/direct_link.ts";
import { SHIM_ADAPTATION } from "./control_message.ts";

/** Associations that are set up, used and shut down; only the first ones are slow. */
export const WARM_UPS = 4;

/** Addresses for documentation (RFC 5737), which no packet ever leaves to. */
const CLIENT = ["192.0.2.1", "198.51.100.1"].map(IpAddress.parse);
const SERVER = ["192.0.2.2", "198.51.100.2"].map(IpAddress.parse);
const PORT = 7;

const OPTIONS: SendOptions = { stream: 0, ppid: 0, unordered: false, immediate: false };

/**
 * Sets up associations between two engines in memory, moves a message each way, and shuts them down.
 * @param memory for packets, two batches' worth; free for others afterwards.
 * @param copy how the endpoint to come will copy.
 * @param authentication what it will authenticate.
 * @returns how many came to their graceful end.
 */
export function warmUp(
  environment: Environment,
  memory: Uint8Array,
  copy: CopyBytes = copyBytes,
  authentication?: AuthenticationOptions,
): number {
  const [client, server] = [CLIENT, SERVER].map((addresses) =>
    new Endpoint(environment, {
      localAddresses: addresses.map((address) => ({
        address,
        prefixLength: 24,
        interfaceIndex: 0,
      })),
      pages: { ...heapPages, copy },
      authentication,
    })
  );
  const link = new DirectLink(client, server, { memory });
  const target = new Uint8Array(1024);
  const info: ReceiveInfo = { stream: 0, ssn: 0, ppid: 0, unordered: false, endOfMessage: false };
  const handle = ({ kind, association }: SctpEvent) => {
    if (kind === "communication-up") association.send(link.now, target, OPTIONS);
    if (kind === "readable") association.read(link.now, target, info);
  };
  const settle = () => {
    while (link.settle() > 0) for (const end of [client, server]) drain(end, handle);
  };
  server.listen(PORT, { adaptationIndication: SHIM_ADAPTATION });
  for (let i = 0; i < WARM_UPS; i++) {
    const association = client.associate(link.now, {
      remotePort: PORT,
      remoteAddresses: SERVER,
      adaptationIndication: SHIM_ADAPTATION,
    });
    settle();
    association.shutdown(link.now);
    settle();
  }
  return client.metrics.associationsClosed;
}

function drain(endpoint: Endpoint, handle: (event: SctpEvent) => void): void {
  for (let event = endpoint.pollEvent(); event; event = endpoint.pollEvent()) handle(event);
}
