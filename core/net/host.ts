/** What this host offers: programs, files of the kernel, capabilities of the process. */

/** Capabilities of capabilities(7), by bit number. */
export const Capability = { netAdmin: 12, netRaw: 13, sysPtrace: 19, sysAdmin: 21 } as const;

/** Folders of programs for root that a user's PATH often leaves out. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"];

/** True if there is something at `path` that this process may see. */
export function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Where a program is, on the PATH or in the folders of the system. */
export function findProgram(name: string): string | undefined {
  const folders = [...(Deno.env.get("PATH")?.split(":") ?? []), ...SYSTEM_FOLDERS];
  return folders.map((folder) => `${folder}/${name}`).find(exists);
}

/** The text of a small file, empty if it is not there. */
export function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** True if the process may use a capability: a container's root may lack what root has elsewhere. */
export function hasCapability(bit: number): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readIfThere("/proc/self/status"));
  return effective !== null && (BigInt(`0x${effective[1]}`) >> BigInt(bit) & 1n) === 1n;
}

/** Whether the kernel has a module: at work or built in, to be loaded on demand, or not at all. */
export function kernelModule(name: string): "present" | "loadable" | "absent" {
  if (exists(`/sys/module/${name}`)) return "present";
  const folder = `/lib/modules/${Deno.osRelease()}`;
  const names = new RegExp(`/${name}\\.ko`, "m");
  if (names.test(readIfThere(`${folder}/modules.builtin`))) return "present";
  return names.test(readIfThere(`${folder}/modules.dep`)) ? "loadable" : "absent";
}
