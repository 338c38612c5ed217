/** Which addresses a rule is about: one host or one network (Bickhart 2005, section 2.2.2). */
import { type AddressFamily, IpAddress } from "../sctp/base/address.ts";
import { Fault } from "./fault.ts";

/** A host, or a network without host bits. */
export class Network {
  private constructor(
    /** The host, or the network's lowest address. */
    readonly address: IpAddress,
    /** Leading bits that all addresses of the network share: 0 to 32, for IPv6 to 128. */
    readonly prefixLength: number,
  ) {}

  /** Reads the address of one host. */
  static parseHost(text: string): Network | Fault {
    if (text.includes("/")) {
      return new Fault("host-with-mask", `"${text}" is a network, not a host: give it to -n`);
    }
    const address = parseAddress(text);
    return address instanceof Fault ? address : new Network(address, bitsOf(address.family));
  }

  /** Reads `address/prefix-length` or `address/mask`. A full-length network is that host. */
  static parse(text: string): Network | Fault {
    const slash = text.indexOf("/");
    if (slash < 0) {
      return new Fault(
        "mask-missing",
        `"${text}" has no mask: write ${text}/LENGTH or ${text}/MASK, or give a host to -h`,
      );
    }
    const address = parseAddress(text.slice(0, slash));
    if (address instanceof Fault) return address;
    const length = parseMask(text.slice(slash + 1), address);
    if (length instanceof Fault) return length;
    return hostBitsFault(address, length) ?? new Network(address, length);
  }

  /** True if it is one host. */
  get isHost(): boolean {
    return this.prefixLength === bitsOf(this.address.family);
  }

  /** `10.1.2.0/24`, or the address alone where it is one host. */
  get text(): string {
    return this.isHost ? this.address.text : `${this.address.text}/${this.prefixLength}`;
  }
}

function bitsOf(family: AddressFamily): number {
  return family === 4 ? 32 : 128;
}

/** True for ::ffff:0:0/96, the IPv6 form of an IPv4 address (RFC 4291, section 2.5.5.2). */
export function isMapped(address: IpAddress): boolean {
  const { family, bytes } = address;
  if (family !== 6 || bytes[10] !== 0xff || bytes[11] !== 0xff) return false;
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return true;
}

function parseAddress(text: string): IpAddress | Fault {
  const address = IpAddress.tryParse(text);
  if (!address) return new Fault("bad-address", `"${text}" is no IPv4 or IPv6 address`);
  if (text.includes("%")) {
    const plain = text.slice(0, text.indexOf("%"));
    return new Fault("zone", `"${text}" has a zone, but rules hold on every link: write ${plain}`);
  }
  if (isMapped(address)) {
    const v4 = IpAddress.fromBytes(4, address.bytes, 12);
    return new Fault(
      "mapped-address",
      `"${text}" is an IPv4 address in IPv6 form, which no packet has: write ${v4.text}`,
    );
  }
  return address;
}

/** The prefix length that a mask stands for. */
function parseMask(text: string, address: IpAddress): number | Fault {
  if (/^\d{1,3}$/.test(text)) return parseLength(Number(text), address);
  const mask = IpAddress.tryParse(text);
  if (!mask) {
    return new Fault("bad-mask", `"${text}" is neither a prefix length nor a mask`);
  }
  if (mask.family !== address.family) {
    return new Fault(
      "mask-family",
      `the mask ${text} is for IPv${mask.family}, but ${address.text} is IPv${address.family}`,
    );
  }
  return contiguousLength(mask.bytes) ?? notContiguous(mask);
}

function parseLength(length: number, { family, text }: IpAddress): number | Fault {
  const most = bitsOf(family);
  if (length <= most) return length;
  return new Fault(
    "prefix-too-long",
    `the prefix length ${length} is above ${most}, which is all of the IPv${family} address ${text}`,
  );
}

/** How many ones a mask starts with, if nothing but zeros follows them. */
function contiguousLength(mask: Uint8Array): number | undefined {
  let length = 0;
  while (length < mask.length * 8 && bitAt(mask, length) === 1) length++;
  for (let i = length; i < mask.length * 8; i++) if (bitAt(mask, i) === 1) return undefined;
  return length;
}

function bitAt(bytes: Uint8Array, index: number): number {
  return (bytes[index >> 3] >> (7 - (index & 7))) & 1;
}

/** Many tools write a mask with ones for the host bits; it is told apart from a mistyped one. */
function notContiguous({ family, bytes, text }: IpAddress): Fault {
  const inverse = bytes.map((byte) => ~byte);
  const meant = contiguousLength(inverse) === undefined
    ? "its ones must all stand before its zeros"
    : `did you mean ${IpAddress.fromBytes(family, inverse).text}?`;
  return new Fault("mask-not-contiguous", `the mask ${text} is not contiguous: ${meant}`);
}

function hostBitsFault(address: IpAddress, length: number): Fault | undefined {
  const lowest = IpAddress.fromBytes(address.family, address.bytes.map(maskedTo(length)));
  if (lowest.equals(address)) return undefined;
  return new Fault(
    "host-bits",
    `${address.text}/${length} has host bits: did you mean the network ${lowest.text}/${length}, ` +
      `or the host ${address.text}?`,
  );
}

function maskedTo(length: number): (byte: number, index: number) => number {
  return (byte, index) => {
    const ones = Math.min(8, Math.max(0, length - index * 8));
    return byte & (0xff00 >> ones);
  };
}
