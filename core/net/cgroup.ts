/** Groups of processes by which the kernel tells an application's connections (cgroups(7), version 2). */
import { exists, readIfThere } from "./host.ts";

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

/** All our groups of applications are called this and the number of the daemon's process. */
const APPLICATIONS = "shimkit-";

/** Makes the group of the applications that this process takes care of. @throws Error as {@link Cgroup.make}. */
export function makeApplicationsGroup(): Cgroup {
  return Cgroup.make(`${APPLICATIONS}${Deno.pid}`);
}

/** Removes groups of applications whose daemon is gone and that are empty; returns their names. */
export function removeStaleGroups(): string[] {
  const root = unifiedRoot();
  if (root === undefined) return [];
  const stale = [...Deno.readDirSync(root)].map(({ name }) => name).filter(isStale);
  for (const name of stale) removeGroup(`${root}/${name}`);
  return stale.filter((name) => !exists(`${root}/${name}`));
}

function isStale(name: string): boolean {
  const [, pid] = new RegExp(`^${APPLICATIONS}(\\d+)$`).exec(name) ?? [];
  return pid !== undefined && !exists(`/proc/${pid}`);
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
