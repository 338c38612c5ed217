/** What processes that died have left in the kernel. */
import { removeStaleGroups } from "./cgroup.ts";
import { removeStaleRules } from "./owned_rules.ts";
import { removeStaleRouting } from "./transparent.ts";

/** Removes it, from this network namespace; returns in words what was removed. */
export function removeRemains(): string[] {
  return [
    ...removeStaleRules().map(({ pid }) => `firewall rules of process ${pid}`),
    ...removeStaleRouting().map((instance) => `routing of shim number ${instance}`),
    ...removeStaleGroups().map((name) => `the cgroup ${name}`),
  ];
}
