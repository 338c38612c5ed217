/** What a shim may leave in the kernel of its host. */
import type { Namespace } from "./namespaces.ts";

const COMMANDS = [
  "nft list tables",
  "iptables-save -t mangle",
  "ip6tables-save -t mangle",
  "ip -4 rule",
  "ip -6 rule",
  "sysctl net.ipv4.tcp_fwmark_accept net.ipv4.fwmark_reflect net.ipv6.fwmark_reflect",
];

/** Their tables that have a number and no name are somebody's own. */
const ROUTES = ["ip -4 route show table all", "ip -6 route show table all"];

/** All of it as a text that is the same again once nothing is left. */
export async function tracesIn(host: Namespace): Promise<string> {
  const lines = async (words: string) => (await host.run(...words.split(" "))).split("\n");
  const texts = await Promise.all(COMMANDS.map(lines));
  const routes = await Promise.all(ROUTES.map(lines));
  return [
    ...texts.flat().filter((line) => line !== "" && !line.startsWith("#")),
    ...routes.flat().filter((line) => / table \d+ /.test(line)),
  ].join("\n");
}
