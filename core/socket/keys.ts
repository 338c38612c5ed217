/** The shared keys of a connection (RFC 4895), with the commands of RFC 6458, sections 8.1.18 and 8.3. */
import type { Association } from "../sctp/association.ts";
import type { Driver } from "./driver.ts";

/**
 * Keys can change while data flows, and nothing is lost: set the new one on both sides, activate it on
 * both, deactivate the old one, and delete it once `events` has told that it is free.
 */
export class ConnectionKeys {
  readonly #association: Association;
  readonly #driver: Pick<Driver, "flush">;

  constructor(association: Association, driver: Pick<Driver, "flush">) {
    this.#association = association;
    this.#driver = driver;
  }

  /** Ids of all keys. */
  get ids(): readonly number[] {
    return this.#association.keys.ids;
  }

  /** Id of the key that is used for sending. */
  get activeId(): number {
    return this.#association.keys.activeId;
  }

  /**
   * Adds a key, or replaces the one with the same id: what the peer authenticates with it is taken.
   * @param id 0 to 65,535.
   * @param secret at most 65,535 bytes; none are the null key.
   * @throws RangeError if either is out of its range.
   */
  set(id: number, secret: Uint8Array): void {
    this.#association.keys.set(id, secret);
  }

  /**
   * Authenticates with a key from the next packet on.
   * @throws RangeError if there is no such key, or it was deactivated.
   */
  activate(id: number): void {
    this.#association.keys.activate(id);
  }

  /**
   * Says that a key is not activated again. The event "free-key" tells when nothing that was sent with
   * it is still on its way; what the peer authenticates with it is taken until it is deleted.
   * @throws RangeError if there is no such key, or it is the active one.
   */
  deactivate(id: number): void {
    this.#association.deactivateSharedKey(id);
    this.#driver.flush();
  }

  /**
   * Removes a key: what the peer authenticates with it is refused from now on.
   * @throws RangeError if there is no such key, or it is not free.
   */
  delete(id: number): void {
    this.#association.keys.delete(id);
  }
}
