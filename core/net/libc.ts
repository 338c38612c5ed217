/**
 * The C library by FFI: opened on first use, so that a program without `--allow-ffi` can import
 * everything above this file.
 *
 * Calls of the data path take only `i32` and `buffer` arguments. Deno makes those by a compiled fast
 * path (about 20 ns a call), while a number passed as `usize` takes a slow one (70 - 100 ns).
 */
import { SystemError } from "./system_error.ts";

const SYMBOLS = {
  __errno_location: { parameters: [], result: "pointer" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  sendmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  sendmmsg: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  recvmmsg: { parameters: ["i32", "buffer", "u32", "i32", "pointer"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  /** Moves the calling thread alone. */
  setns: { parameters: ["i32", "i32"], result: "i32" },
  prctl: { parameters: ["i32", "usize", "usize", "usize", "usize"], result: "i32" },
  /** For requests whose argument is a pointer. */
  ioctl: { parameters: ["i32", "i32", "buffer"], result: "i32" },
  dup3: { parameters: ["i32", "i32", "i32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  epoll_wait_async: {
    name: "epoll_wait",
    parameters: ["i32", "buffer", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  /** Linux 5.11 and glibc 2.35: timeouts in nanoseconds. */
  epoll_pwait2: {
    parameters: ["i32", "buffer", "i32", "buffer", "pointer"],
    result: "i32",
    optional: true,
  },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  eventfd_read: { parameters: ["i32", "buffer"], result: "i32" },
  eventfd_write: { parameters: ["i32", "u64"], result: "i32" },
  /** The GNU C library only. */
  malloc_trim: { parameters: ["usize"], result: "i32", optional: true },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
} as const;

/** The functions of the C library that are in use here. */
export type Libc = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

let opened: { symbols: Libc; errno: Int32Array } | undefined;

/**
 * The C library, opened on the first call.
 * @throws Deno.errors.NotCapable without `--allow-ffi`, Error on a system other than 64-bit Linux.
 */
export function libc(): Libc {
  return (opened ??= open()).symbols;
}

/** What the last failed call of this thread left in errno. Read it directly after the call. */
export function errno(): number {
  return (opened ??= open()).errno[0];
}

function open(): { symbols: Libc; errno: Int32Array } {
  if (Deno.build.os !== "linux") {
    throw new Error(`sockets by FFI need Linux; this is ${Deno.build.os}`);
  }
  const symbols = openFirst(["libc.so.6", `libc.musl-${Deno.build.arch}.so.1`]);
  const location = symbols.__errno_location();
  if (!location) throw new Error("the C library gave no address for errno");
  // errno has one address a thread, and an isolate stays on its thread: one mapping serves them all.
  const errno = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(location, 4));
  return { symbols, errno };
}

function openFirst(names: readonly string[]): Libc {
  const failures: unknown[] = [];
  for (const name of names) {
    try {
      return Deno.dlopen(name, SYMBOLS).symbols;
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      failures.push(error);
    }
  }
  throw new AggregateError(failures, `no C library could be opened (tried ${names.join(", ")})`);
}

/** True if FFI can be used: 64-bit Linux, and the permission is there without asking for it. */
export function ffiAvailable(): boolean {
  if (Deno.build.os !== "linux") return false;
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return false;
  try {
    libc();
    return true;
  } catch {
    return false;
  }
}

/**
 * Passes on the result of a call that must not fail.
 * @throws SystemError if it is negative.
 */
export function check(result: number, attempt: string, advice?: string): number {
  if (result < 0) throw new SystemError(errno(), attempt, advice);
  return result;
}
