/**
 * The endpoint pair shared keys of one association: which there are, and which one is used for sending
 * (RFC 4895, section 6.1; the commands are those of RFC 6458, sections 8.1.18 and 8.3.3 to 8.3.5).
 *
 * A key is good for receiving from when it is set until it is deleted, so that both sides can change
 * keys one after the other and lose nothing: set the new one on both, activate it on both, and delete
 * the old one when the peer no longer uses it.
 */
import { type Tsn, tsnLess } from "../base/serial.ts";

/** One endpoint pair shared key. */
export interface SharedKey {
  /** Shared Key Identifier, 0 to 65,535. */
  readonly id: number;
  /** Any bytes, up to 65,535 of them; none at all are the null key. */
  readonly secret: Uint8Array;
}

/** Identifier of the key that there is where nobody has set one (RFC 4895, section 6.2). */
export const NULL_KEY: SharedKey = { id: 0, secret: new Uint8Array(0) };

const MAX_KEY_ID = 0xffff;
const LONGEST_SECRET = 0xffff;

interface Entry {
  readonly id: number;
  readonly secret: Uint8Array;
  /** The peer has authenticated something with it. */
  used: boolean;
  /** No longer wanted for sending. */
  deactivated: boolean;
  /** While it is deactivated and not free: the last TSN that may have been sent with it. */
  lastTsn: Tsn | undefined;
}

export class SharedKeys {
  /** There are few, most often one: a map would take more than all of them. */
  #entries: Entry[];
  #activeId: number;
  /** Keys that were deactivated and are not free. */
  #retiring = 0;

  /**
   * @param keys the keys there are at first, the first one active; the null key if there are none.
   * @throws RangeError if an identifier is out of its range or stands twice, or a secret is too long.
   */
  constructor(keys: readonly SharedKey[] = []) {
    const initial = keys.length > 0 ? keys : [NULL_KEY];
    this.#entries = initial.map(({ id, secret }, index) => {
      if (initial.findIndex((each) => each.id === id) === index) return newEntry(id, secret);
      throw new RangeError(`there are two shared keys with id ${id}`);
    });
    this.#activeId = initial[0].id;
  }

  /** Identifier of the key that is used for sending. */
  get activeId(): number {
    return this.#activeId;
  }

  /** Identifiers of all keys. */
  get ids(): number[] {
    return this.#entries.map(({ id }) => id);
  }

  /** The secret of a key, or `undefined` if there is no such key. */
  secretOf(id: number): Uint8Array | undefined {
    return this.#entry(id)?.secret;
  }

  /**
   * Adds a key, or replaces the one with the same identifier.
   * @throws RangeError if the identifier is out of its range or the secret is too long.
   */
  set(id: number, secret: Uint8Array): void {
    const entry = newEntry(id, secret);
    const before = this.#entry(id);
    if (before?.lastTsn !== undefined) this.#retiring--;
    if (before) this.#entries[this.#entries.indexOf(before)] = entry;
    else this.#entries.push(entry);
  }

  /** Notes that the peer uses a key; true the first time. */
  noteUse(id: number): boolean {
    const entry = this.#entry(id);
    if (!entry || entry.used) return false;
    entry.used = true;
    return true;
  }

  /**
   * Uses a key for sending from now on.
   * @throws RangeError if there is no such key, or it was deactivated.
   */
  activate(id: number): void {
    if (this.#find(id).deactivated) {
      throw new RangeError(`shared key ${id} was deactivated: set it again to use it`);
    }
    this.#activeId = id;
  }

  /**
   * Says that a key is not used for sending any more; it is still good for receiving.
   * @param lastTsn what was sent up to here may have been sent with it.
   * @throws RangeError if there is no such key, or it is the active one.
   */
  deactivate(id: number, lastTsn: Tsn): void {
    const entry = this.#find(id);
    if (id === this.#activeId) {
      throw new RangeError(`shared key ${id} is in use: activate another one first`);
    }
    if (entry.deactivated) return;
    entry.deactivated = true;
    entry.lastTsn = lastTsn;
    this.#retiring++;
  }

  /** True if a deactivated key is not free yet. */
  get haveRetiring(): boolean {
    return this.#retiring > 0;
  }

  /**
   * Frees the deactivated keys with which nothing is in flight any more; returns which.
   * @param ackPoint everything up to here was acknowledged; everything at all if left out.
   */
  takeFree(ackPoint?: Tsn): number[] {
    const freed: number[] = [];
    for (const entry of this.#entries) {
      const { id, lastTsn } = entry;
      if (lastTsn === undefined || (ackPoint !== undefined && tsnLess(ackPoint, lastTsn))) continue;
      entry.lastTsn = undefined;
      this.#retiring--;
      freed.push(id);
    }
    return freed;
  }

  /**
   * Removes a key: what the peer authenticates with it is refused from now on.
   * @throws RangeError if there is no such key, it was not deactivated, or it is not free.
   */
  delete(id: number): void {
    const { deactivated, lastTsn } = this.#find(id);
    if (!deactivated) throw new RangeError(`shared key ${id} may be in use: deactivate it first`);
    if (lastTsn !== undefined) {
      throw new RangeError(`shared key ${id} is still in use for what is in flight`);
    }
    this.#entries = this.#entries.filter((entry) => entry.id !== id);
  }

  #entry(id: number): Entry | undefined {
    return this.#entries.find((entry) => entry.id === id);
  }

  #find(id: number): Entry {
    const entry = this.#entry(id);
    if (!entry) throw new RangeError(`there is no shared key ${id}`);
    return entry;
  }
}

function newEntry(id: number, secret: Uint8Array): Entry {
  if (!Number.isInteger(id) || id < 0 || id > MAX_KEY_ID) {
    throw new RangeError(`${id} is no shared key id: it takes 0 to ${MAX_KEY_ID}`);
  }
  if (secret.length > LONGEST_SECRET) {
    throw new RangeError(`shared key ${id} has ${secret.length} bytes: 65,535 are the most`);
  }
  const own = secret.length === 0 ? NULL_KEY.secret : secret.slice();
  return { id, secret: own, used: false, deactivated: false, lastTsn: undefined };
}
