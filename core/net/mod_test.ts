import assert from "node:assert/strict";
import { ffiAvailable } from "./libc.ts";
import { openPacketIo } from "./mod.ts";
import { address, batchOf, collect, routeBetween, sendAll } from "./testing/packet_io_support.ts";

/** Runs a script in a process with these permissions and returns what it printed. */
async function evaluate(permissions: string[], script: string): Promise<string> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, script);
    const args = ["run", "--no-prompt", "--no-config", ...permissions, file];
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  } finally {
    await Deno.remove(file);
  }
}

const LIBRARY = JSON.stringify(import.meta.resolve("./mod.ts"));
const LIBC = JSON.stringify(import.meta.resolve("./libc.ts"));

/** Opens two transports with what is allowed, and sends a packet from one to the other. */
const ROUND_TRIP = `
  import { openPacketIo } from ${LIBRARY};
  import { ffiAvailable } from ${LIBC};
  import { address, batchOf, collect, routeBetween, sendAll } from
    ${JSON.stringify(import.meta.resolve("./testing/packet_io_support.ts"))};
  const local = address("127.0.0.1");
  const [first, second] = [1, 2].map(() =>
    openPacketIo({ transport: "udp", port: 0, addresses: [local] }));
  await sendAll(first, batchOf([100], () => routeBetween(local, local, second)));
  const received = await collect(second, 1);
  console.log("received", received.length, "FFI", ffiAvailable());
  first.close();
  second.close();`;

Deno.test("the transport opens by what is allowed", async () => {
  const local = address("127.0.0.1");
  const io = openPacketIo({ transport: "udp", port: 0, addresses: [local] });
  await sendAll(io, batchOf([100], () => routeBetween(local, local, io)));
  assert.equal((await collect(io, 1)).length, 1);
  assert.equal(io.descriptors.length > 0, ffiAvailable());
  io.close();
});

Deno.test("without --allow-ffi the library works through the runtime's sockets", async () => {
  const output = await evaluate(["--allow-net", "--unstable-net"], ROUND_TRIP);
  assert.match(output, /received 1 FFI false/);
});

Deno.test("with neither FFI nor the runtime's UDP the message names both ways out", async () => {
  const output = await evaluate(["--allow-net"], ROUND_TRIP);
  assert.match(output, /--allow-ffi, or --unstable-net/);
});
