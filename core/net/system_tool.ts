/** Running the system's own configuration programs: nft, iptables, ip. */
import { spawnSync } from "node:child_process";
import { findProgram } from "./host.ts";

/** What a program printed, and whether it was content. */
export interface ToolResult {
  readonly success: boolean;
  readonly output: string;
  /** Its own words about what went wrong. */
  readonly complaint: string;
}

/**
 * Runs a program to its end, in the network namespace of this thread. A program that is not
 * installed is a failure like any other.
 */
export function tryTool(program: string, args: readonly string[], input = ""): ToolResult {
  const path = findProgram(program);
  if (!path) return { success: false, output: "", complaint: `${program} is not installed` };
  const { status, stdout, stderr, error } = spawnSync(path, [...args], { input, encoding: "utf8" });
  return {
    success: status === 0,
    output: stdout ?? "",
    complaint: error?.message ?? stderr.trim(),
  };
}

/**
 * Runs a program that must succeed, and returns what it printed.
 * @throws Error with the program's own words.
 */
export function runTool(program: string, args: readonly string[], input = ""): string {
  const { success, output, complaint } = tryTool(program, args, input);
  if (!success) throw new Error(`${[program, ...args].join(" ")}: ${complaint}`);
  return output;
}
