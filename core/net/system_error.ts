/** Failed system calls as errors that a person can read. */

/** Names and meanings of the errno values that socket calls give (asm-generic/errno.h). */
const ERRNO: Readonly<Record<number, readonly [name: string, meaning: string]>> = {
  1: ["EPERM", "operation not permitted"],
  2: ["ENOENT", "no such file or directory"],
  4: ["EINTR", "interrupted"],
  5: ["EIO", "input/output error"],
  6: ["ENXIO", "no such device or address"],
  9: ["EBADF", "the descriptor is not open"],
  11: ["EAGAIN", "it would block"],
  12: ["ENOMEM", "out of memory"],
  13: ["EACCES", "permission denied"],
  14: ["EFAULT", "bad memory address"],
  16: ["EBUSY", "in use"],
  17: ["EEXIST", "it exists already"],
  19: ["ENODEV", "no such device"],
  22: ["EINVAL", "invalid argument"],
  23: ["ENFILE", "the system has too many open files"],
  24: ["EMFILE", "the process has too many open files"],
  28: ["ENOSPC", "no space left"],
  32: ["EPIPE", "the connection is closed for writing"],
  38: ["ENOSYS", "the kernel does not have this call"],
  71: ["EPROTO", "protocol error"],
  88: ["ENOTSOCK", "not a socket"],
  89: ["EDESTADDRREQ", "a destination address is needed"],
  90: ["EMSGSIZE", "the packet is too big for the path"],
  92: ["ENOPROTOOPT", "the protocol or the option is not available"],
  93: ["EPROTONOSUPPORT", "the protocol is not supported"],
  95: ["EOPNOTSUPP", "the operation is not supported"],
  97: ["EAFNOSUPPORT", "the address family is not supported"],
  98: ["EADDRINUSE", "the address is in use already"],
  99: ["EADDRNOTAVAIL", "the address is not one of this host's"],
  100: ["ENETDOWN", "the network is down"],
  101: ["ENETUNREACH", "no route to the network"],
  103: ["ECONNABORTED", "the connection was aborted"],
  104: ["ECONNRESET", "the peer reset the connection"],
  105: ["ENOBUFS", "no buffer space"],
  106: ["EISCONN", "connected already"],
  107: ["ENOTCONN", "not connected"],
  110: ["ETIMEDOUT", "timed out"],
  111: ["ECONNREFUSED", "connection refused"],
  112: ["EHOSTDOWN", "the host is down"],
  113: ["EHOSTUNREACH", "no route to the host"],
  114: ["EALREADY", "under way already"],
  115: ["EINPROGRESS", "under way"],
};

/** The C name of an errno value, such as "ECONNREFUSED"; "errno 133" for one that is not listed. */
export function errnoName(errno: number): string {
  return ERRNO[errno]?.[0] ?? `errno ${errno}`;
}

/** A system call that failed. */
export class SystemError extends Error {
  override readonly name = "SystemError";
  /** The C name of the errno value. */
  readonly code: string;

  /**
   * @param errno the value that the call left behind.
   * @param attempt what was attempted, with its values: "bind UDP 127.0.0.1 port 9899".
   * @param advice what the person may do next, if there is something.
   */
  constructor(readonly errno: number, readonly attempt: string, advice?: string) {
    const meaning = ERRNO[errno]?.[1];
    const reason = meaning ? `${meaning} (${errnoName(errno)})` : errnoName(errno);
    super(`${attempt}: ${reason}${advice ? `. ${advice}` : ""}`);
    this.code = errnoName(errno);
  }
}
