/** The examples are run as a reader would, and asked for an echo. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { IpAddress, SctpStack } from "../../mod.ts";

const LOOPBACK = { transport: "udp", localAddresses: [IpAddress.parse("127.0.0.1")] } as const;

async function freeUdpPort(): Promise<number> {
  await using stack = SctpStack.open({ ...LOOPBACK, udpPort: 0 });
  return stack.encapsulationPort;
}

function start(name: string, port: number): Deno.ChildProcess {
  const path = fileURLToPath(new URL(name, import.meta.url));
  return new Deno.Command(Deno.execPath(), { args: ["run", "--quiet", "-A", path, String(port)] })
    .spawn();
}

/** Connects once the example is there. */
async function connected(stack: SctpStack, encapsulationPort: number) {
  const until = performance.now() + 30_000;
  for (;;) {
    try {
      return await stack.connect({ addresses: "127.0.0.1", port: 7, encapsulationPort });
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

for (const name of ["one_to_one.ts", "one_to_many.ts"]) {
  Deno.test(`the example ${name} sends every message back on its stream`, async () => {
    const port = await freeUdpPort();
    await using _ = start(name, port);
    await using stack = SctpStack.open({ ...LOOPBACK, udpPort: 0 });
    const connection = await connected(stack, port);
    for (const [stream, text] of ["one", "two", "three"].entries()) {
      await connection.send(new TextEncoder().encode(text), { stream, ppid: 46 });
      const message = await connection.receive();
      assert.equal(new TextDecoder().decode(message?.data), text);
      assert.deepEqual([message?.stream, message?.ppid], [stream, 46]);
    }
    await connection.close();
  });
}
