/** Installs the Debian packages that tests with real peers need. */
import { missing, REQUIREMENTS } from "../../core/net/testing/requirements.ts";
import type { Requirement, RequirementName } from "../../core/net/testing/requirements.ts";

/** True where `apt-get install` is ours to use: Debian or a child of it, as root. */
export function isDebianRoot(): boolean {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  try {
    return /^ID(_LIKE)?=.*\bdebian\b/m.test(Deno.readTextFileSync("/etc/os-release"));
  } catch {
    return false;
  }
}

function isInstalled(name: string): boolean {
  const { success, stdout } = new Deno.Command("dpkg-query", {
    args: ["--show", "--showformat=${Status}", name],
    stderr: "null",
  }).outputSync();
  return success && new TextDecoder().decode(stdout).endsWith(" installed");
}

/** The packages that are not installed, each with what it is for. */
function absentPackages(): ReadonlyMap<string, string> {
  const absent = new Map<string, string>();
  for (const name of Object.keys(REQUIREMENTS) as RequirementName[]) {
    const { purpose, packages }: Requirement = REQUIREMENTS[name];
    if (missing(name) === undefined) continue;
    for (const one of packages) if (!isInstalled(one)) absent.set(one, purpose);
  }
  return absent;
}

function aptGet(...args: string[]): boolean {
  const { success, stdout, stderr } = new Deno.Command("apt-get", {
    args: ["--quiet", "--yes", ...args],
    env: { DEBIAN_FRONTEND: "noninteractive" },
  }).outputSync();
  if (!success) {
    const decoder = new TextDecoder();
    const said = (decoder.decode(stdout) + decoder.decode(stderr)).trimEnd().split("\n");
    console.log(`apt-get ${args.join(" ")} failed:\n  ${said.slice(-8).join("\n  ")}`);
  }
  return success;
}

const POLICY = "/usr/sbin/policy-rc.d";

/** Keeps a package's services (sshd) from being started while `action` installs it. */
function withoutStartingServices(action: () => void): void {
  const script = "#!/bin/sh\nexit 101\n";
  try {
    Deno.writeTextFileSync(POLICY, script, { createNew: true, mode: 0o755 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    return action();
  }
  try {
    action();
  } finally {
    Deno.removeSync(POLICY);
  }
}

/** Installs what is missing, saying what and why. Failing is no error: tests are then skipped. */
export function installPackages(): void {
  const absent = absentPackages();
  if (absent.size === 0) return;
  console.log("Installing the Debian packages that tests with real peers need:");
  for (const [name, purpose] of absent) console.log(`  ${name}: ${purpose}`);
  withoutStartingServices(() => {
    if (!aptGet("update")) return;
    aptGet("install", "--no-install-recommends", ...absent.keys());
  });
}
