/** CPU time of processes that run, from /proc. */

/** Ticks a second of the kernel's accounts (USER_HZ), the same on every Linux. */
const TICKS = 100;

/** Fields of /proc/PID/stat behind the program's name (proc(5)): the process's time, and its children's. */
const [UTIME, STIME, CUTIME, CSTIME] = [11, 12, 13, 14];

/** User and system time in seconds of a process and of its children that have ended. */
export function cpuSecondsOf(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = [UTIME, STIME, CUTIME, CSTIME].reduce((sum, at) => sum + Number(fields[at]), 0);
  return ticks / TICKS;
}
