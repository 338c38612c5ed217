/** The sockets that this process has open. */

/** Their inodes, by which the kernel names them in its own lists (proc_pid_fd(5)). */
export function ownSocketInodes(): Set<number> {
  const inodes = new Set<number>();
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    const inode = inodeOf(`/proc/self/fd/${name}`);
    if (inode !== undefined) inodes.add(inode);
  }
  return inodes;
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
