/** Groups of processes by which the kernel tells an application's connections (cgroups(7), version 2). */
import { readIfThere } from "./host.ts";

/** A group below the root of the unified hierarchy. */
export class Cgroup {
  private constructor(
    /** Its path below the root, without a leading slash: what a firewall rule names. */
    readonly name: string,
    /** Its folder. */
    readonly path: string,
  ) {}

  /**
   * Makes a group, or takes the one that is there.
   * @throws Error without a unified hierarchy, or without the right to make a group in it.
   */
  static make(name: string): Cgroup {
    const root = unifiedRoot();
    if (root === undefined) throw new Error("this host has no unified cgroup hierarchy");
    const path = `${root}/${name}`;
    Deno.mkdirSync(path, { recursive: true });
    return new Cgroup(name, path);
  }

  /** Removes it with the groups below it, but for those in which processes still run. */
  remove(): void {
    removeGroup(this.path);
  }
}

/** Makes a group below the folder of another one, and moves a process there. @throws Error. */
export function joinBelow(folder: string, name: string, pid: number): string {
  const path = `${folder}/${name}`;
  Deno.mkdirSync(path, { recursive: true });
  joinGroup(path, pid);
  return path;
}

/** Moves a process into a group. Its sockets so far stay what they are. @throws Error. */
export function joinGroup(path: string, pid: number): void {
  Deno.writeTextFileSync(`${path}/cgroup.procs`, String(pid));
}

/** The folder of the group that this process is in; `undefined` without a unified hierarchy. */
export function ownGroup(): string | undefined {
  const root = unifiedRoot();
  const [, path] = /^0::(.*)$/m.exec(readIfThere("/proc/self/cgroup")) ?? [];
  return root === undefined || path === undefined ? undefined : root + path;
}

/** Removes a group and those below it; groups with processes stay. */
export function removeGroup(path: string): void {
  try {
    for (const { name, isDirectory } of Deno.readDirSync(path)) {
      if (isDirectory) removeGroup(`${path}/${name}`);
    }
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // In use, or gone already.
  }
}

function unifiedRoot(): string | undefined {
  return /^\S+ (\S+) cgroup2 /m.exec(readIfThere("/proc/mounts"))?.[1];
}
