import assert from "node:assert/strict";
import { EPOLLIN, EPOLLOUT, EPOLLPRI } from "../net/constants.ts";
import { Epoll } from "../net/epoll.ts";
import { TcpListener, TcpResult, TcpSocket } from "../net/tcp_socket.ts";
import { needs } from "../net/testing/requirements.ts";
import { IpAddress } from "../sctp/base/address.ts";
import { TcpReader } from "./tcp_reader.ts";
import { FakeSocket } from "./testing/fake_socket.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const encode = (words: string) => new TextEncoder().encode(words);

/** Everything that can be read now; urgent data in brackets. */
function drain(reader: TcpReader, size = 100): string {
  const buffer = new Uint8Array(new ArrayBuffer(size));
  let all = "";
  while (reader.readable) {
    const count = reader.read(buffer);
    if (count <= 0) return all;
    all += reader.urgent ? `[${text(buffer.subarray(0, count))}]` : text(buffer.subarray(0, count));
  }
  return all;
}

function fakeReader() {
  const socket = new FakeSocket();
  const reader = new TcpReader(socket);
  return { socket, reader };
}

Deno.test("a reader reads until the socket is empty, and then waits for epoll's word", () => {
  const { socket, reader } = fakeReader();
  socket.input.push("abc");
  reader.handleEvents(EPOLLIN);
  assert.equal(drain(reader), "abc");
  socket.input.push("def");
  assert.equal(reader.readable, false);
  reader.handleEvents(EPOLLOUT);
  assert.equal(reader.readable, false, "room to write is nothing to read");
  reader.handleEvents(EPOLLIN);
  assert.equal(drain(reader), "def");
});

Deno.test("the mark is found wherever reads begin and end", () => {
  for (let before = 0; before <= 6; before++) {
    for (let size = 1; size <= 8; size++) {
      const { socket, reader } = fakeReader();
      socket.input.push(..."abcdef".slice(0, before), { urgent: "!" }, ..."ghi", { urgent: "?" });
      reader.handleEvents(socket.events);
      assert.equal(drain(reader, size), `${"abcdef".slice(0, before)}[!]ghi[?]`);
    }
  }
});

Deno.test("without EPOLLPRI the first read costs no question, the ones that follow do", () => {
  const { socket, reader } = fakeReader();
  let questions = 0;
  Object.defineProperty(socket, "atMark", { get: () => questions++ < 0 });
  socket.input.push("abc");
  reader.handleEvents(EPOLLIN);
  reader.read(new Uint8Array(3));
  assert.equal(questions, 0);
  socket.input.push("def");
  reader.read(new Uint8Array(3));
  assert.equal(questions, 1);
});

Deno.test("nothing is read where a byte could come, and be urgent, in between", () => {
  const { socket, reader } = fakeReader();
  socket.input.push("abc");
  reader.handleEvents(EPOLLIN);
  const buffer = new Uint8Array(3);
  assert.equal(reader.read(buffer), 3);
  socket.receive = () => assert.fail("read without knowing what comes");
  assert.equal(reader.readable, true, "a full read says nothing about what is left");
  assert.equal(reader.read(buffer), TcpResult.WouldBlock);
  assert.equal(reader.readable, false);
});

Deno.test("what came before the reader was there is found without epoll's word: bytes, end, reset", () => {
  for (const [last, result] of [["end", 0], ["reset", TcpResult.Reset]] as const) {
    const { socket, reader } = fakeReader();
    socket.input.push("abc", last);
    const buffer = new Uint8Array(100);
    assert.deepEqual([reader.read(buffer), reader.readable], [3, true]);
    assert.deepEqual([reader.read(buffer), reader.readable], [result, false]);
  }
});

Deno.test("the end and a reset are read behind everything else", () => {
  for (
    const [last, result] of [["end", TcpResult.EndOfStream], ["reset", TcpResult.Reset]] as const
  ) {
    const { socket, reader } = fakeReader();
    socket.input.push("abc", { urgent: "!" }, last);
    reader.handleEvents(socket.events);
    const buffer = new Uint8Array(100);
    const results = [reader.read(buffer), reader.read(buffer), reader.read(buffer)];
    assert.deepEqual(results, [3, 1, result]);
    assert.equal(reader.urgent, false);
    assert.equal(reader.readable, false);
  }
});

Deno.test(
  needs(["linux", "ffi"], "the kernel's marks are found, whatever pieces the bytes come in", () => {
    const listener = new TcpListener({ address: IpAddress.parse("127.0.0.1"), port: 0 });
    const { port } = listener.localAddress;
    const client = TcpSocket.connect({
      remoteAddress: IpAddress.parse("127.0.0.1"),
      remotePort: port,
    });
    const epoll = new Epoll(2);
    epoll.add(listener.descriptor, EPOLLIN);
    assert.equal(epoll.wait(5000), 1);
    const server = listener.accept()!.socket;
    epoll.remove(listener.descriptor);
    server.setUrgentInLine();
    epoll.add(server.descriptor, EPOLLIN | EPOLLPRI | 0x80000000);
    const reader = new TcpReader(server);
    let [sent, received] = ["", ""];
    for (let round = 0; round < 300; round++) {
      // A mark stays until it is read: TCP has one at a time, and a new one takes its place.
      const words = encode("abcdefghij".slice(0, round % 11));
      if (words.length > 0) assert.equal(client.send(words, 0, words.length), words.length);
      assert.equal(client.sendUrgent(Uint8Array.of(33), 0), 1);
      if (round % 3 > 0) assert.equal(client.send(encode("k"), 0, 1), 1);
      sent += `${text(words)}[!]${round % 3 > 0 ? "k" : ""}`;
      while (received.length < sent.length) {
        assert.equal(epoll.wait(5000), 1, `${received} and more`);
        reader.handleEvents(epoll.events(0));
        received += drain(reader, 1 + round % 7);
      }
      assert.equal(received, sent);
      [sent, received] = ["", ""];
    }
    for (const each of [client, server, listener, epoll]) each.close();
  }),
);
