/** Network namespaces that are made for the time of an emulation. */
import { exists } from "../net/host.ts";
import { namespacePath } from "../net/network_namespace.ts";
import { runTool, tryTool } from "../net/system_tool.ts";

/** True if there is a namespace of this name, or at this path. */
export function hasNamespace(name: string): boolean {
  return exists(namespacePath(name));
}

/** Namespaces that end with their owner; processes that are left inside keep theirs. */
export class MadeNamespaces implements Disposable {
  readonly #names: string[] = [];

  /** Makes a namespace with its loopback up. @throws Error with the words of `ip`. */
  make(name: string): void {
    runTool("ip", ["netns", "add", name]);
    this.#names.push(name);
    runTool("ip", ["-n", name, "link", "set", "lo", "up"]);
  }

  [Symbol.dispose](): void {
    for (const name of this.#names.splice(0)) tryTool("ip", ["netns", "delete", name]);
  }
}
