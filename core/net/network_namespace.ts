/** Network namespaces by the names that `ip netns` gives them. */
import { CLONE_NEWNET, O_CLOEXEC, O_RDONLY } from "./constants.ts";
import { check, libc } from "./libc.ts";
import { closeSocket } from "./socket.ts";

/** Where the kernel shows a namespace: that of a name, or a path as it is. */
export function namespacePath(name: string): string {
  return name.includes("/") ? name : `/run/netns/${name}`;
}

/** A path as C has it. */
function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

function openNamespace(path: string): number {
  const result = libc().open(cString(path), O_RDONLY | O_CLOEXEC, 0);
  return check(result, `open the network namespace ${path}`);
}

/**
 * Does something in a network namespace, and comes back. Only this thread moves, so nothing that
 * another one does is touched; descriptors that are opened inside stay there.
 * @throws SystemError if there is no such namespace, or without CAP_SYS_ADMIN.
 */
export function inNamespace<Result>(name: string, action: () => Result): Result {
  const home = openNamespace("/proc/thread-self/ns/net");
  try {
    const inside = openNamespace(namespacePath(name));
    try {
      check(libc().setns(inside, CLONE_NEWNET), `enter the network namespace ${name}`);
    } finally {
      closeSocket(inside);
    }
    try {
      return action();
    } finally {
      check(libc().setns(home, CLONE_NEWNET), "come back to the own network namespace");
    }
  } finally {
    closeSocket(home);
  }
}
