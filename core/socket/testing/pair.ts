/** Two stacks in one process that reach each other over loopback. */
import type { AuthenticationOptions } from "../../sctp/auth/options.ts";
import { IpAddress } from "../../sctp/base/address.ts";
import type { Parameters } from "../../sctp/parameters.ts";
import type { ConnectOptions } from "../stack.ts";
import { SctpStack } from "../stack.ts";
import type { SctpConnection } from "../connection.ts";
import type { SctpListener } from "../listener.ts";
import type { TransportOptions } from "../transport.ts";

/** SCTP port of the server: stacks have ports of their own, so every test may use the same. */
export const PORT = 7;

/** Where and how the two sides meet. */
export interface PairOptions {
  /** Addresses of the client, by default 127.0.0.1. */
  readonly client?: readonly string[];
  /** Addresses of the server, by default 127.0.0.1. */
  readonly server?: readonly string[];
  readonly ffi?: boolean;
  readonly parameters?: Partial<Parameters>;
  readonly authentication?: AuthenticationOptions;
}

/** Two stacks, each on a UDP port that was free. */
export class StackPair implements AsyncDisposable {
  readonly client: SctpStack;
  readonly server: SctpStack;

  constructor(readonly options: PairOptions = {}) {
    this.client = openSide(options, options.client);
    this.server = openSide(options, options.server);
  }

  /** Where the server is, for `client.connect`. */
  get target(): Pick<ConnectOptions, "addresses" | "encapsulationPort" | "port"> {
    const [first] = this.server.localAddresses;
    return { addresses: first, encapsulationPort: this.server.encapsulationPort, port: PORT };
  }

  /** An association from the client to the server, and both ends of it. */
  async associate(
    options: Partial<ConnectOptions> = {},
  ): Promise<{ client: SctpConnection; server: SctpConnection; listener: SctpListener }> {
    const listener = this.server.listen({ port: PORT });
    const accepted = listener.accept();
    const client = await this.client.connect({ ...this.target, ...options });
    return { client, server: await accepted, listener };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.client.close(), this.server.close()]);
  }
}

function openSide(options: PairOptions, addresses: readonly string[] = ["127.0.0.1"]): SctpStack {
  const transport: TransportOptions = {
    transport: "udp",
    udpPort: 0,
    localAddresses: addresses.map(IpAddress.parse),
    ffi: options.ffi,
  };
  return SctpStack.open({
    ...transport,
    parameters: options.parameters,
    authentication: options.authentication,
    developmentChecks: true,
  });
}
