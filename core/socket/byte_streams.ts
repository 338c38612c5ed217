/** A connection's bytes as web streams, with back-pressure both ways. */
import type { Channel } from "./channel.ts";
import { SctpError } from "./errors.ts";

/** Bytes of the buffer that a reader without a buffer of its own gets. */
const CHUNK = 64 * 1024;

/** What the streams need of a connection. */
export interface ByteSocket {
  read(target: Uint8Array): Promise<number | null>;
  write(data: Uint8Array): Promise<number>;
}

/** Reads only when its reader asks, so that a slow reader closes the receive window. */
export function readableBytes(
  socket: ByteSocket,
  channel: Channel,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const unbroken = restartGuard(channel);
  return new ReadableStream({
    type: "bytes",
    autoAllocateChunkSize: CHUNK,
    async pull(controller): Promise<void> {
      const request = controller.byobRequest;
      const view = request?.view;
      if (!request || !view) return;
      const target = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      const count = await socket.read(target);
      unbroken();
      if (count === null) controller.close();
      request.respond(count ?? 0);
    },
    cancel(reason): void {
      channel.abort(`the reader gave up: ${reason}`);
    },
  });
}

/** Takes a chunk only when the engine took the one before. */
export function writableBytes(socket: ByteSocket, channel: Channel): WritableStream<Uint8Array> {
  const unbroken = restartGuard(channel);
  return new WritableStream({
    async write(chunk): Promise<void> {
      unbroken();
      await socket.write(chunk);
    },
    close(): void {
      channel.shutdown();
    },
    abort(reason): void {
      channel.abort(`the writer gave up: ${reason}`);
    },
  });
}

/** A restart tears a hole into a stream of bytes, so the stream ends with an error. */
function restartGuard(channel: Channel): () => void {
  const { restarts } = channel;
  return () => {
    if (channel.restarts === restarts) return;
    throw new SctpError(
      "ERR_SCTP_RESTARTED",
      `${channel.peer} restarted: bytes that were under way are lost; connect again`,
    );
  };
}
