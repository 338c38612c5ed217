/** A client and a server that have a router between them. */
import { Lab } from "./lab.ts";
import { join, Namespace, type Wire } from "./namespaces.ts";

export class RoutedHosts implements AsyncDisposable {
  private constructor(
    readonly lab: Lab,
    readonly client: Namespace,
    readonly router: Namespace,
    readonly server: Namespace,
    /** From the client to the router, and from there to the server. */
    readonly wires: readonly [Wire, Wire],
  ) {}

  static async open(): Promise<RoutedHosts> {
    const lab = Lab.open();
    const names = ["client", "router", "server"];
    const [client, router, server] = await Promise.all(
      names.map((name) => Namespace.create(lab, name)),
    );
    const near = await join(client, router, 0);
    const far = await join(router, server, 1);
    const forwarding = ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"];
    await router.run("sysctl", "-qw", ...forwarding);
    for (const family of [4, 6] as const) {
      const address = family === 4 ? "v4" : "v6";
      await client.ip(`-${family}`, "route", "add", "default", "via", near.b[address]);
      await server.ip(`-${family}`, "route", "add", "default", "via", far.a[address]);
    }
    return new RoutedHosts(lab, client, router, server, [near, far]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
  }
}
