/** TUN devices: what the kernel sends by one is read, what is written it receives (tun.txt of Linux). */
import {
  EAGAIN,
  IFF_NO_PI,
  IFF_TUN,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDWR,
  TUNSETIFF,
} from "./constants.ts";
import { check, errno, libc } from "./libc.ts";
import { nativeBytes } from "./native_memory.ts";
import { closeSocket, orClose } from "./socket.ts";
import { SystemError } from "./system_error.ts";

/** struct ifreq: the name, then the flags. */
const IFREQ_BYTES = 40;
const LONGEST_NAME = 15;
const FLAGS = 16;

/** A TUN device without any header in front of the IP packets. It is there as long as it is open. */
export class Tun {
  readonly descriptor: number;

  /**
   * Makes a device in the network namespace of this thread; it has no address yet, and is down.
   * @throws RangeError for a name that no device can have, SystemError if it is taken, or without
   *   CAP_NET_ADMIN.
   */
  constructor(readonly name: string) {
    const bytes = new TextEncoder().encode(name);
    if (bytes.length < 1 || bytes.length > LONGEST_NAME || !/^[^\s/]+$/.test(name)) {
      throw new RangeError(`a device cannot be named "${name}": 1 to ${LONGEST_NAME} letters`);
    }
    const path = new TextEncoder().encode("/dev/net/tun\0");
    const opened = libc().open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
    this.descriptor = check(opened, "open /dev/net/tun", "load the module tun");
    orClose(this.descriptor, () => {
      const request = nativeBytes(IFREQ_BYTES);
      request.set(bytes);
      new DataView(request.buffer).setUint16(FLAGS, IFF_TUN | IFF_NO_PI, true);
      check(libc().ioctl(this.descriptor, TUNSETIFF, request), `make the device ${name}`);
    });
  }

  /**
   * Reads one packet that the kernel sends by the device.
   * @returns its length, cut to that of `target`; 0 if there is none.
   * @throws SystemError if the device is gone.
   */
  read(target: Uint8Array<ArrayBuffer>): number {
    const count = libc().read(this.descriptor, target, BigInt(target.length));
    if (count >= 0) return count;
    const error = errno();
    if (error === EAGAIN) return 0;
    throw new SystemError(error, `read from ${this.name}`);
  }

  /** Hands the kernel a packet; false if it does not take it: the device is down, or it is none. */
  write(packet: Uint8Array<ArrayBuffer>, length: number): boolean {
    return libc().write(this.descriptor, packet, BigInt(length)) === length;
  }

  /** Closes the device: it is gone, with its addresses and routes. */
  close(): void {
    closeSocket(this.descriptor);
  }
}
