/**
 * Where a message goes and what authenticates it, where its sender says so: SCTP_ADDR_OVER and
 * SCTP_AUTHINFO (RFC 6458, sections 5.3.4 and 5.3.8). Hardly any message has a course of its own.
 */

/** One course; either part can be left open. */
export interface Course {
  /** Number of the path. */
  readonly path?: number;
  /** Shared Key Identifier. */
  readonly key?: number;
}

/** Courses that are told apart; beyond that messages go as all others do. */
const MOST = 0xffff;

/** The courses of an association's messages by small numbers; 0 stands for none. */
export class Courses {
  readonly #courses: Course[] = [];
  readonly #numbers = new Map<string, number>();

  numberOf(course: Course): number {
    const { path, key } = course;
    const name = `${path} ${key}`;
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    if (this.#courses.length === MOST) return 0;
    const number = this.#courses.push({ path, key });
    this.#numbers.set(name, number);
    return number;
  }

  at(number: number): Course | undefined {
    return number === 0 ? undefined : this.#courses[number - 1];
  }
}
