/** What the figures of a run depend on, besides the program. */
import project from "../deno.json" with { type: "json" };

/** Facts that are kept with the raw data. */
export interface Surroundings {
  readonly date: string;
  readonly shimkit: string;
  /** The commit that was measured, and whether files differed from it; empty if that is not known. */
  readonly revision: string;
  readonly deno: string;
  readonly v8: string;
  readonly usrsctp: string;
  readonly kernel: string;
  readonly cpu: string;
  readonly cores: number;
  /** Processes that wanted to run on average in the minute before: more than none blurs the figures. */
  readonly load: number;
}

export async function surroundings(date: Date): Promise<Surroundings> {
  return {
    date: date.toISOString(),
    shimkit: project.version,
    revision: await outputOf("git", "describe", "--always", "--dirty", "--abbrev=12"),
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    usrsctp: await outputOf("pkg-config", "--modversion", "usrsctp"),
    kernel: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    cpu: await cpuModel(),
    cores: navigator.hardwareConcurrency,
    load: Deno.loadavg()[0],
  };
}

/** The same in words. */
export function describeSurroundings(facts: Surroundings): string[] {
  return [
    `shimkit ${facts.shimkit} (${facts.revision || "revision unknown"}), Deno ${facts.deno}, ` +
    `${facts.kernel}`,
    `${facts.cores} x ${facts.cpu}, load ${facts.load.toFixed(1)}, ${facts.date}`,
  ];
}

async function cpuModel(): Promise<string> {
  try {
    const text = await Deno.readTextFile("/proc/cpuinfo");
    return /^model name\s*:\s*(.*)$/m.exec(text)?.[1] ?? Deno.build.arch;
  } catch {
    return Deno.build.arch;
  }
}

/** The first line that a program prints; empty if there is no such program or it fails. */
async function outputOf(program: string, ...args: string[]): Promise<string> {
  try {
    const cwd = new URL("..", import.meta.url);
    const { success, stdout } = await new Deno.Command(program, { args, cwd }).output();
    return success ? new TextDecoder().decode(stdout).split("\n")[0] : "";
  } catch {
    return "";
  }
}
