/** What shimkit can use on this host, found out by trying. */
import {
  AF_INET,
  AF_INET6,
  IPPROTO_SCTP,
  IPPROTO_UDP,
  SOCK_DGRAM,
  SOCK_RAW,
  UDP_GRO,
  UDP_SEGMENT,
} from "../core/net/constants.ts";
import { Capability, exists, findProgram, hasCapability, kernelModule } from "../core/net/host.ts";
import { ffiAvailable } from "../core/net/libc.ts";
import { closeSocket, openSocket, trySetOption } from "../core/net/socket.ts";

/** The result of one check. */
export interface HostCheck {
  readonly name: string;
  /** "ok": all is there. "limited": shimkit works, with less. "missing": what needs it does not. */
  readonly status: "ok" | "limited" | "missing";
  /** What was found. */
  readonly found: string;
  /** What to do about it, where something can be done. */
  readonly advice?: string;
}

/** A check without its name. */
type Finding = Omit<HostCheck, "name">;

function ok(found: string): Finding {
  return { status: "ok", found };
}

function limited(found: string, advice?: string): Finding {
  return { status: "limited", found, advice };
}

function missing(found: string, advice?: string): Finding {
  return { status: "missing", found, advice };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function checkKernel(): Finding {
  const found = `${Deno.build.os} ${Deno.osRelease()}, ${Deno.build.arch}`;
  if (Deno.build.os === "linux") return ok(found);
  return limited(found, "Raw IP, namespaces and interception need Linux.");
}

function checkFfi(): Finding {
  if (ffiAvailable()) return ok("system calls through FFI");
  return limited("no FFI: UDP through Deno, one datagram a call", "Run with --allow-ffi on Linux.");
}

function checkRoot(): Finding {
  if (Deno.uid() === 0) return ok("running as root");
  return limited("not root: UDP and explicit forwards only", "Run as root for raw IP.");
}

function tryRawSocket(): Finding {
  try {
    for (const family of [AF_INET, AF_INET6]) {
      closeSocket(openSocket(family, SOCK_RAW, IPPROTO_SCTP, "raw SCTP socket"));
    }
    return ok("SCTP over raw IPv4 and IPv6");
  } catch (error) {
    return missing(messageOf(error), "Run as root, or use SCTP over UDP.");
  }
}

/** The kernel's SCTP answers packets of protocol 132 that are meant for us. */
function checkKernelSctp(): Finding {
  if (!exists("/proc/net/sctp")) return ok("the kernel has no SCTP of its own at work");
  return limited(
    "the kernel's SCTP is loaded and answers raw IP packets with ABORT",
    "Use SCTP over UDP, or unload it: modprobe -r sctp",
  );
}

function tryUdpOffload(): Finding {
  const socket = openSocket(AF_INET, SOCK_DGRAM, IPPROTO_UDP, "UDP socket");
  const segments = trySetOption(socket, IPPROTO_UDP, UDP_SEGMENT, 1200);
  const joins = trySetOption(socket, IPPROTO_UDP, UDP_GRO, 1);
  closeSocket(socket);
  if (segments && joins) return ok("UDP_SEGMENT and UDP_GRO: many packets a system call");
  return limited("no UDP_SEGMENT or UDP_GRO: one packet a message", "Linux 5.0 has both.");
}

function checkNfqueue(): Finding {
  const state = kernelModule("nfnetlink_queue");
  if (exists("/proc/net/netfilter/nfnetlink_queue") || state === "present") {
    return ok("NFQUEUE is in the kernel");
  }
  if (state === "loadable") return ok("NFQUEUE is a module that loads on first use");
  return missing("this kernel has no NFQUEUE", "Explicit forwards work without it.");
}

function checkProgram(program: string, debianPackage: string): Finding {
  const path = findProgram(program);
  if (path) return ok(path);
  return missing(`${program} is not installed`, `On Debian: apt-get install ${debianPackage}`);
}

function checkNamespaces(): Finding {
  if (hasCapability(Capability.sysAdmin) && hasCapability(Capability.netAdmin)) {
    return ok("CAP_SYS_ADMIN and CAP_NET_ADMIN");
  }
  return missing("no right to make network namespaces", "Run as root, outside of a container.");
}

function checkTun(): Finding {
  if (!exists("/dev/net/tun")) return missing("/dev/net/tun is not there", "modprobe tun");
  if (hasCapability(Capability.netAdmin)) return ok("/dev/net/tun");
  return missing("/dev/net/tun needs CAP_NET_ADMIN", "Run as root.");
}

function withFfi(check: () => Finding): Finding {
  if (!ffiAvailable()) return missing("cannot be tried without FFI");
  try {
    return check();
  } catch (error) {
    return missing(messageOf(error));
  }
}

/** Makes every check, in the order of what they mean to a newcomer. */
export function checkHost(): readonly HostCheck[] {
  return [
    { name: "kernel", ...checkKernel() },
    { name: "FFI", ...checkFfi() },
    { name: "root", ...checkRoot() },
    { name: "UDP offload", ...withFfi(tryUdpOffload) },
    { name: "raw sockets", ...withFfi(tryRawSocket) },
    { name: "kernel SCTP", ...checkKernelSctp() },
    { name: "namespaces", ...checkNamespaces() },
    { name: "TUN", ...checkTun() },
    { name: "NFQUEUE", ...checkNfqueue() },
    { name: "iptables", ...checkProgram("iptables", "iptables") },
    { name: "nft", ...checkProgram("nft", "nftables") },
  ];
}
