/** The addresses of a connection, and changes of them while it lives (RFC 5061; RFC 6458, section 9). */
import type { Association } from "../sctp/association.ts";
import { IpAddress } from "../sctp/base/address.ts";
import { type AddAddressOptions, AddressChangeError } from "../sctp/procedures/address_changes.ts";
import type { Driver } from "./driver.ts";
import { SctpError, type SctpErrorCode } from "./errors.ts";

const CODES = {
  "not-supported": "ERR_SCTP_NOT_SUPPORTED_BY_PEER",
  "not-established": "ERR_SCTP_CLOSED",
  "too-many": "ERR_SCTP_BUSY",
} as const satisfies Record<AddressChangeError["code"], SctpErrorCode>;

/**
 * Comes from {@link SctpConnection.addresses}. Each change is asked of the peer, which is told in an
 * authenticated way; a "local-address" event says what came of it.
 */
export class AddressControl {
  readonly #association: Association;
  readonly #driver: Pick<Driver, "flush" | "now">;

  constructor(association: Association, driver: Pick<Driver, "flush" | "now">) {
    this.#association = association;
    this.#driver = driver;
  }

  /** Addresses of this side that the peer has agreed to (`sctp_getladdrs`). */
  get local(): readonly string[] {
    return this.#association.localAddresses.map(({ address }) => address.text);
  }

  /** Addresses of the peer (`sctp_getpaddrs`). */
  get peer(): readonly string[] {
    return [...new Set(this.#association.paths.map(({ remote }) => remote.text))];
  }

  /**
   * Adds an address of this host (`sctp_bindx` with `SCTP_BINDX_ADD_ADDR`). It is used once the peer has
   * agreed and has proved that it is reached from there.
   * @param address one of the stack's.
   * @throws SctpError `ERR_SCTP_NOT_SUPPORTED_BY_PEER`, `ERR_SCTP_CLOSED`, or `ERR_SCTP_BUSY` while many
   * changes wait.
   * @throws RangeError if it is no address of the stack, one of the connection's already, or none of the
   * peer's addresses can be reached from it; TypeError if it is no address at all.
   */
  add(address: string, options?: AddAddressOptions): void {
    const parsed = IpAddress.parse(address);
    const known = this.#association.host.localAddresses.map(({ address }) => address);
    if (!known.some((each) => each.equals(parsed))) {
      throw new RangeError(`cannot add ${address}: this stack has ${known.join(", ")}`);
    }
    this.#command((association, now) => association.addLocalAddress(now, parsed, options));
  }

  /**
   * Removes an address of this side (`sctp_bindx` with `SCTP_BINDX_REM_ADDR`): nothing more is sent from
   * it, and what was on its way is sent again from another one.
   * @throws SctpError as {@link add}; RangeError if it is the last one, or none of the connection's.
   */
  remove(address: string): void {
    const parsed = IpAddress.parse(address);
    this.#command((association, now) => association.deleteLocalAddress(now, parsed));
  }

  /**
   * Asks the peer to send to this address by preference (`SCTP_SET_PEER_PRIMARY_ADDR`).
   * @throws SctpError as {@link add}; RangeError if it is none of the connection's.
   */
  setPeerPrimary(address: string): void {
    const parsed = IpAddress.parse(address);
    this.#command((association) => association.setPeerPrimary(parsed));
  }

  #command(command: (association: Association, now: ReturnType<Driver["now"]>) => void): void {
    try {
      command(this.#association, this.#driver.now());
    } catch (cause) {
      if (!(cause instanceof AddressChangeError)) throw cause;
      throw new SctpError(CODES[cause.code], cause.message, { cause });
    }
    this.#driver.flush();
  }
}
