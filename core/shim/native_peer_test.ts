import assert from "node:assert/strict";
import { needs } from "../net/testing/requirements.ts";
import { IpAddress } from "../sctp/base/address.ts";
import { SctpStack } from "../socket/stack.ts";
import {
  CLIENT_ADDRESSES,
  QUICK,
  SCTP_PORT,
  SERVER_ADDRESSES,
  startClient,
  startServer,
} from "./testing/shim_pair.ts";
import { connect, howItEnds, listen, receiveText, sendText } from "./testing/tcp_apps.ts";

const NEEDS = ["linux", "ffi"] as const;
const encode = (text: string) => new TextEncoder().encode(text);

function openStack(addresses: readonly string[], udpPort = 0): SctpStack {
  const localAddresses = addresses.map(IpAddress.parse);
  return SctpStack.open({ transport: "udp", udpPort, localAddresses, parameters: QUICK });
}

Deno.test(
  needs(
    NEEDS,
    "a native client's messages of every stream reach the TCP server as bytes",
    async () => {
      using tcp = listen();
      await using daemon = await startServer({ port: tcp.port });
      const { transport } = await daemon.status();
      await using stack = openStack(CLIENT_ADDRESSES);
      const native = await stack.connect({
        addresses: SERVER_ADDRESSES,
        port: SCTP_PORT,
        encapsulationPort: transport.port,
      });
      const server = await tcp.accept();
      await native.send(encode("GET "), { stream: 3 });
      assert.equal(await receiveText(server, 4), "GET ");
      await native.send(encode("/"), { stream: 0 });
      assert.equal(await receiveText(server, 1), "/");
      await sendText(server, "here");
      const answer = await native.receive();
      assert.equal(answer?.stream, 0);
      assert.equal(new TextDecoder().decode(answer?.data), "here");
      const [connection] = (await daemon.status()).connections;
      assert.equal(connection.association?.peerIsShim, false);
      await native.close();
      assert.equal(await howItEnds(server), "end");
      server.close();
    },
  ),
);

Deno.test(needs(NEEDS, "the server's FIN shuts a native client's association down", async () => {
  using tcp = listen();
  await using daemon = await startServer({ port: tcp.port });
  const { transport } = await daemon.status();
  await using stack = openStack(CLIENT_ADDRESSES);
  const native = await stack.connect({
    addresses: SERVER_ADDRESSES,
    port: SCTP_PORT,
    encapsulationPort: transport.port,
  });
  const server = await tcp.accept();
  await sendText(server, "bye");
  server.close();
  assert.equal(new TextDecoder().decode((await native.receive())?.data), "bye");
  assert.equal(await native.receive(), undefined);
  assert.equal((await native.closed).graceful, true);
}));

Deno.test(
  needs(NEEDS, "a native server is reached, and its end becomes the application's", async () => {
    await using stack = openStack(SERVER_ADDRESSES);
    const listener = stack.listen({ port: SCTP_PORT });
    await using daemon = await startClient({ port: 0 }, stack.encapsulationPort);
    const [front] = await daemon.listeners;
    const client = await connect(front.port);
    const native = await listener.accept();
    await sendText(client, "question");
    assert.equal(new TextDecoder().decode((await native.receive())?.data), "question");
    await native.send(encode("answer"));
    await native.close();
    assert.equal(await receiveText(client, 6), "answer");
    assert.equal(await howItEnds(client), "end");
    client.close();
    const { counters } = await daemon.status();
    assert.equal(counters.carried, 1);
  }),
);

Deno.test(needs(NEEDS, "a native server that aborts resets the application", async () => {
  await using stack = openStack(SERVER_ADDRESSES);
  const listener = stack.listen({ port: SCTP_PORT });
  await using daemon = await startClient({ port: 0 }, stack.encapsulationPort);
  const [front] = await daemon.listeners;
  const client = await connect(front.port);
  const native = await listener.accept();
  await sendText(client, "question");
  await native.receive();
  native.abort("enough");
  assert.equal(await howItEnds(client), "ConnectionReset");
  client.close();
}));

Deno.test(
  needs(
    NEEDS,
    "a client that restarts gets a new TCP connection, the old one is reset",
    async () => {
      using tcp = listen();
      await using daemon = await startServer({ port: tcp.port });
      const { transport } = await daemon.status();
      const target = {
        addresses: SERVER_ADDRESSES,
        port: SCTP_PORT,
        localPort: 5000,
        encapsulationPort: transport.port,
      };
      const before = openStack(CLIENT_ADDRESSES);
      await before.connect(target);
      const old = await tcp.accept();
      for (const address of CLIENT_ADDRESSES) daemon.cut(address);
      // Commands are carried out in their order: once this is answered, nothing gets through.
      await daemon.status();
      const { encapsulationPort } = before;
      await before.close();
      for (const address of CLIENT_ADDRESSES) daemon.heal(address);
      await using after = openStack(CLIENT_ADDRESSES, encapsulationPort);
      const native = await after.connect(target);
      const fresh = await tcp.accept();
      assert.equal(await howItEnds(old), "ConnectionReset");
      await sendText(fresh, "again");
      assert.equal(new TextDecoder().decode((await native.receive())?.data), "again");
      old.close();
      fresh.close();
    },
  ),
);
