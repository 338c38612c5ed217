/** Who is meant with an option, and what is told to those who misuse one. */
import assert from "node:assert/strict";
import { PORT, StackPair } from "../testing/pair.ts";
import { bytes } from "../testing/styles.ts";
import { OPTION_NAMES, type OptionName } from "./table.ts";

const LEVEL = { code: "ERR_SCTP_OPTION_LEVEL" };

async function withSocket(scene: (pair: StackPair) => Promise<void>): Promise<void> {
  await using pair = new StackPair();
  pair.server.listen({ port: PORT });
  pair.server.listen({ port: PORT + 1 });
  await scene(pair);
}

Deno.test("an option of a socket of many is for one association, for those to come, for those there are, or for all", () =>
  withSocket(async (pair) => {
    const socket = pair.client.openSocket({ port: 4000 });
    const first = await socket.connect(pair.target);
    const burst = (association: number | "future") =>
      socket.getOption("SCTP_MAX_BURST", { association });
    socket.setOption("SCTP_MAX_BURST", 5, { association: first });
    assert.deepEqual([burst(first), burst("future")], [5, 4]);
    socket.setOption("SCTP_MAX_BURST", 6);
    assert.deepEqual([burst(first), burst("future")], [5, 6], "those to come, if nobody is named");
    const second = await socket.connect({ ...pair.target, port: PORT + 1 });
    assert.equal(burst(second), 6);
    socket.setOption("SCTP_MAX_BURST", 7, { association: "current" });
    assert.deepEqual([burst(first), burst(second), burst("future")], [7, 7, 6]);
    socket.setOption("SCTP_MAX_BURST", 8, { association: "all" });
    assert.deepEqual([burst(first), burst(second), burst("future")], [8, 8, 8]);
    assert.throws(() => burst(99), /no association 99 on this socket/);
  }));

Deno.test("an option of the socket is for all of its associations", () =>
  withSocket(async (pair) => {
    const socket = pair.client.openSocket({ port: 4000 });
    const first = await socket.connect(pair.target);
    socket.setOption("SCTP_NODELAY", true);
    const second = await socket.connect({ ...pair.target, port: PORT + 1 });
    for (const id of [first, second]) {
      assert.equal(socket.control(id).getOption("SCTP_NODELAY"), true);
    }
    assert.throws(() => socket.setOption("SCTP_NODELAY", true, { association: first }), {
      ...LEVEL,
      message: /cannot be used with association \d+; it is for the socket as a whole/,
    });
  }));

Deno.test("a level that an option does not have is refused", () =>
  withSocket(async (pair) => {
    const socket = pair.client.openSocket({ port: 4000 });
    const association = await socket.connect(pair.target);
    for (const choice of ["current", "all"] as const) {
      assert.throws(
        () => socket.setOption("SCTP_RTOINFO", { min: 100 }, { association: choice }),
        { ...LEVEL, message: new RegExp(`SCTP_RTOINFO cannot be used with "${choice}"`) },
      );
      assert.throws(() => socket.getOption("SCTP_MAX_BURST", { association: choice }), {
        ...LEVEL,
        message: /name an association/,
      });
    }
    assert.throws(() => socket.getOption("SCTP_STATUS"), { ...LEVEL, message: /by its number/ });
    assert.throws(() => socket.getOption("SCTP_STATUS", { association: "future" }), LEVEL);
    assert.throws(() => socket.getOption("SCTP_INITMSG", { association }), LEVEL);
  }));

Deno.test("what a listener has set, the connections that it accepts have", async () => {
  await using pair = new StackPair();
  const listener = pair.server.listen({ port: PORT });
  listener.setOption("SCTP_RTOINFO", { initial: 700, min: 300 });
  listener.setOption("SCTP_MAXSEG", 300);
  listener.setOption("SCTP_CONTEXT", 5);
  listener.setOption("SCTP_STREAM_SCHEDULER", "rr");
  listener.setOption("SCTP_EVENT", { type: "SCTP_ASSOC_CHANGE", on: true });
  assert.equal(listener.getOption("SCTP_RTOINFO").initial, 700);
  await pair.client.connect(pair.target);
  const server = await listener.accept();
  assert.deepEqual(server.getOption("SCTP_RTOINFO"), { initial: 700, max: 60_000, min: 300 });
  assert.equal(server.getOption("SCTP_MAXSEG"), 300);
  assert.equal(server.getOption("SCTP_CONTEXT"), 5);
  assert.equal(server.getOption("SCTP_STREAM_SCHEDULER"), "rr");
  const received = await server.recvv();
  assert.ok(received?.kind === "notification" && received.notification.kind === "up");
  server.setOption("SCTP_CONTEXT", 6);
  assert.equal(listener.getOption("SCTP_CONTEXT"), 5, "each has its own");
  assert.throws(() => listener.getOption("SCTP_STATUS"), {
    ...LEVEL,
    message: /use it on a connection that was accepted/,
  });
});

Deno.test("options of an attempt hold from its INIT on", async () => {
  await using pair = new StackPair();
  pair.server.listen({ port: PORT });
  const connection = await pair.client.connect({
    ...pair.target,
    options: { SCTP_INITMSG: { outboundStreams: 3 }, SCTP_NODELAY: true },
  });
  assert.equal(connection.outboundStreams, 3);
  assert.equal(connection.getOption("SCTP_NODELAY"), true);
  const options = { SCTP_STATUS: undefined };
  await assert.rejects(pair.client.connect({ ...pair.target, options: options as never }), {
    code: "ERR_SCTP_OPTION_ACCESS",
  });
});

Deno.test("misuse is told with what was wrong and what is right", async () => {
  await using pair = new StackPair();
  const { client } = await pair.associate();
  const set = (name: string, value: unknown) => () =>
    client.setOption(name as OptionName, value as never);
  const get = (name: string, key?: unknown) => () =>
    client.getOption(name as "SCTP_PRIMARY_ADDR", key as never);
  const cases: [() => unknown, string, RegExp][] = [
    [set("SCTP_NODELAY", 1), "TypeError", /SCTP_NODELAY takes true or false, not a number/],
    [set("SCTP_MAX_BURST", "4"), "TypeError", /takes a number, 0 to 65535 packets, not a string/],
    [set("SCTP_MAX_BURST", 1.5), "RangeError", /a whole number from 0 to 65535 packets, not 1.5/],
    [
      set("SCTP_RTOINFO", { minimum: 1 }),
      "TypeError",
      /has no field "minimum"; there are: initial/,
    ],
    [set("SCTP_RTOINFO", [1]), "TypeError", /SCTP_RTOINFO takes an object \{ .* \}, not a list/],
    [set("SCTP_RTOINFO", { min: -1 }), "RangeError", /SCTP_RTOINFO.min takes a whole number/],
    [set("SCTP_EVENT", { on: true }), "TypeError", /SCTP_EVENT.type takes one of/],
    [set("SCTP_AUTH_KEY", { id: 1, secret: "x" }), "TypeError", /secret takes a Uint8Array/],
    [set("SCTP_HMAC_IDENT", 1), "TypeError", /takes a list of 0 to 65535, not a number/],
    [set("SCTP_NONSENSE", 1), "TypeError", /there is no socket option "SCTP_NONSENSE"/],
    [set("toString", 1), "TypeError", /there is no socket option "toString"/],
    [get("SCTP_EVENTS"), "TypeError", /deprecated by RFC 6458 and not offered: use SCTP_EVENT/],
    [get("SCTP_AUTH_KEY"), "SctpError", /SCTP_AUTH_KEY can only be set, not read/],
    [set("SCTP_STATUS", {}), "SctpError", /SCTP_STATUS can only be read, not set/],
    [get("SCTP_GET_PEER_ADDR_INFO", {}), "TypeError", /address takes an IP address as text/],
    [get("SCTP_NODELAY", { address: "::1" }), "TypeError", /has no field "address"/],
    [get("SCTP_INITMSG"), "SctpError", /cannot be read for an association that is up/],
  ];
  for (const [misuse, name, message] of cases) assert.throws(misuse, { name, message });
  await client.send(bytes("still there"));
});

Deno.test("every option says what it is, and where it is defined", () => {
  assert.ok(OPTION_NAMES.length > 50);
  for (const name of OPTION_NAMES) assert.match(name, /^(SCTP|SO)_[A-Z0-9_]+$/);
});
