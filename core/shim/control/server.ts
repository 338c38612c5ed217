/** The control socket of a daemon: a Unix socket for its owner and root. */
import { once } from "node:events";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { peerOfUnixSocket, type UnixPeer } from "../../net/unix_peer.ts";
import { LineBuffer } from "./lines.ts";
import {
  ControlFault,
  type ControlRequest,
  formatAnswer,
  isChanging,
  MAX_REQUEST,
  parseRequest,
} from "./protocol.ts";

/** Does what a request asks for; its result must be fit for JSON. Failures may be thrown. */
export type ControlHandler = (request: ControlRequest) => Promise<unknown>;

/** A socket that only its owner can connect to. */
const UMASK = 0o177;
const FOLDER_MODE = 0o755;

/** Clients at one time. */
const MAX_CLIENTS = 64;

export class ControlServer {
  readonly #server: Server;
  readonly #handle: ControlHandler;
  readonly #clients = new Set<Socket>();

  private constructor(readonly path: string, handle: ControlHandler) {
    this.#handle = handle;
    this.#server = createServer((socket) => this.#serve(socket));
    this.#server.maxConnections = MAX_CLIENTS;
  }

  /**
   * Listens. A socket file that a dead daemon has left is replaced.
   * Rejects if the path is not to be had, or if another daemon answers there.
   */
  static async start(path: string, handle: ControlHandler): Promise<ControlServer> {
    await Deno.mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
    await removeStale(path);
    const server = new ControlServer(path, handle);
    await server.#listen();
    return server;
  }

  /** Stops listening and removes the socket file; requests that are under way get no answer. */
  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await new Promise<void>((closed) => this.#server.close(() => closed()));
    await removeIfThere(this.path);
  }

  /** The mode holds from the first moment on, so that nobody slips in before a chmod. */
  async #listen(): Promise<void> {
    const before = Deno.umask(UMASK);
    try {
      await new Promise<void>((listening, failed) => {
        this.#server.once("error", failed);
        this.#server.listen(this.path, listening);
      });
    } finally {
      Deno.umask(before);
    }
  }

  #serve(socket: Socket): void {
    const lines = new LineBuffer(MAX_REQUEST);
    const mayChange = isTrusted(socket);
    this.#clients.add(socket);
    let done = Promise.resolve();
    socket.on("data", (bytes: Uint8Array) => {
      const complete = lines.push(bytes);
      if (!complete) {
        const fault = new ControlFault("too-long", `a request has up to ${MAX_REQUEST} bytes`);
        return void socket.end(formatAnswer(null, fault));
      }
      for (const line of complete) {
        done = done.then(async () => void socket.write(await this.#answer(line, mayChange)));
      }
    });
    // A client that goes away is its own affair.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#clients.delete(socket));
  }

  async #answer(line: string, mayChange: boolean): Promise<string> {
    const { id, request } = parseRequest(line);
    if (request instanceof ControlFault) return formatAnswer(id, request);
    if (isChanging(request) && !mayChange) {
      const message = "only root and the daemon's owner may change anything";
      return formatAnswer(id, new ControlFault("not-allowed", message));
    }
    try {
      return formatAnswer(id, await this.#handle(request));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return formatAnswer(id, new ControlFault("failed", message));
    }
  }
}

/** True for root and for the user that this process runs as; false where that cannot be told. */
function isTrusted(socket: Socket): boolean {
  const uid = peerOf(socket)?.uid;
  return uid !== undefined && (uid === 0 || uid === Deno.uid());
}

function peerOf(socket: Socket): UnixPeer | undefined {
  const { _handle: handle } = socket as { readonly _handle?: { readonly fd?: number } };
  return handle?.fd === undefined ? undefined : peerOfUnixSocket(handle.fd);
}

/** Removes a socket file at which nobody listens any more. */
async function removeStale(path: string): Promise<void> {
  const info = await Deno.lstat(path).catch(() => undefined);
  if (!info) return;
  if (!info.isSocket) throw new Error(`${path} is there already and is no socket`);
  const other = await daemonAt(path);
  if (other) throw new Error(`another shimd, ${other}, has the control socket ${path}`);
  await removeIfThere(path);
}

/** Who listens at a path, in words; `undefined` if nobody does. */
async function daemonAt(path: string): Promise<string | undefined> {
  const socket = createConnection(path);
  try {
    await once(socket, "connect");
    return `process ${peerOf(socket)?.pid ?? "unknown"}`;
  } catch (error) {
    const refused = error instanceof Error && "code" in error && error.code === "ECONNREFUSED";
    return refused ? undefined : "which does not answer";
  } finally {
    socket.destroy();
  }
}

async function removeIfThere(path: string): Promise<void> {
  await Deno.remove(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}
