/** Which process has which sockets, as far as this one may see (proc_pid_fd(5)). */
import { readIfThere } from "./host.ts";

/** The inodes of this process's sockets, by which the kernel names them in its own lists. */
export function ownSocketInodes(): Set<number> {
  return socketInodesOf("self");
}

/** The process that has a socket, for people; `undefined` if it is not to be seen, or is gone. */
export function processWithSocket(inode: number): string | undefined {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name) || !socketInodesOf(name).has(inode)) continue;
    return `process ${name} (${readIfThere(`/proc/${name}/comm`).trim()})`;
  }
}

function socketInodesOf(process: string): Set<number> {
  const folder = `/proc/${process}/fd`;
  const inodes = new Set<number>();
  for (const name of namesIn(folder)) {
    const inode = inodeOf(`${folder}/${name}`);
    if (inode !== undefined) inodes.add(inode);
  }
  return inodes;
}

/** None if the process is gone, or another user's. */
function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch {
    return [];
  }
}

/** The inode of the socket that a link leads to, if it leads to one and is still there. */
function inodeOf(path: string): number | undefined {
  try {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(Deno.readLinkSync(path)) ?? [];
    return inode === undefined ? undefined : Number(inode);
  } catch {
    return undefined;
  }
}
