import assert from "node:assert/strict";
import { needs } from "../../../core/net/testing/requirements.ts";
import { Lab } from "./lab.ts";
import { LabProcess, run, until } from "./process.ts";

/** A test process that builds a host with a process in it, and then waits for its end. */
const BUILDER = `
  import { Lab } from "${new URL("lab.ts", import.meta.url)}";
  import { Namespace } from "${new URL("namespaces.ts", import.meta.url)}";
  const lab = Lab.open();
  const host = await Namespace.create(lab, "host");
  const sleeper = host.spawn(["sleep", "1000"]);
  console.log("built", host.name, lab.folder, sleeper.pid);
  await sleeper.status;
`;

interface Built {
  readonly process: LabProcess;
  readonly namespace: string;
  readonly folder: string;
  readonly pid: string;
}

async function build(): Promise<Built> {
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(script, BUILDER);
  const config = new URL("../../../deno.json", import.meta.url).pathname;
  const process = new LabProcess([Deno.execPath(), "run", "-A", "--config", config, script]);
  const [, namespace, folder, pid] = (await process.line(/^built/)).split(" ");
  await Deno.remove(script);
  return { process, namespace, folder, pid };
}

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}

/** Whether a process still does something; one that waits for its parent to notice does not. */
async function isRunning(pid: string): Promise<boolean> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  return /^State:\s*[^ZX\s]/m.test(status);
}

async function namespaces(): Promise<readonly string[]> {
  return (await run(["ip", "netns", "list"])).split("\n").map((line) => line.split(" ")[0]);
}

Deno.test(
  needs(
    ["linux", "root", "netns"],
    "a lab whose test process is terminated leaves nothing behind",
    async () => {
      const { process, namespace, folder, pid } = await build();
      process.signal("SIGTERM");
      await process.finished();
      assert.ok(!(await namespaces()).includes(namespace));
      assert.ok(!await exists(folder));
      await until("the process inside is gone", async () => !await isRunning(pid));
    },
  ),
);

Deno.test(
  needs(
    ["linux", "root", "netns"],
    "what a killed test process left is removed by the next lab",
    async () => {
      const { process, namespace, folder, pid } = await build();
      process.signal("SIGKILL");
      await process.finished();
      assert.ok((await namespaces()).includes(namespace));
      await using _lab = Lab.open();
      assert.ok(!(await namespaces()).includes(namespace));
      assert.ok(!await exists(folder));
      await until("the process inside is gone", async () => !await isRunning(pid));
    },
  ),
);
