/** Which of many objects is due first: a binary min-heap in which a member's deadline can change. */
import { type Instant, NEVER } from "./time.ts";

/** An object with a deadline that knows its place in the heap. */
export interface HeapMember {
  /** Managed by the heap; -1 while the member is in none. */
  heapIndex: number;
  /** Managed by the heap: when the member is due. */
  heapDeadline: Instant;
}

export class DeadlineHeap<Member extends HeapMember> {
  readonly #members: Member[] = [];

  /** The earliest deadline, or NEVER. */
  get earliest(): Instant {
    return this.#members.length > 0 ? this.#members[0].heapDeadline : NEVER;
  }

  /** The member with the earliest deadline. */
  get first(): Member | undefined {
    return this.#members[0];
  }

  /** Adds, moves or, with NEVER, removes a member. */
  set(member: Member, deadline: Instant): void {
    if (member.heapIndex < 0) {
      if (deadline === NEVER) return;
      member.heapDeadline = deadline;
      member.heapIndex = this.#members.length;
      this.#members.push(member);
      this.#rise(member);
    } else if (deadline === NEVER) {
      this.#remove(member);
    } else if (deadline !== member.heapDeadline) {
      const sooner = deadline < member.heapDeadline;
      member.heapDeadline = deadline;
      if (sooner) this.#rise(member);
      else this.#sink(member);
    }
  }

  #remove(member: Member): void {
    const last = this.#members.pop();
    const index = member.heapIndex;
    member.heapIndex = -1;
    member.heapDeadline = NEVER;
    if (!last || last === member) return;
    last.heapIndex = index;
    this.#members[index] = last;
    this.#rise(last);
    this.#sink(last);
  }

  #rise(member: Member): void {
    const members = this.#members;
    let index = member.heapIndex;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = members[parentIndex];
      if (parent.heapDeadline <= member.heapDeadline) break;
      members[index] = parent;
      parent.heapIndex = index;
      index = parentIndex;
    }
    members[index] = member;
    member.heapIndex = index;
  }

  #sink(member: Member): void {
    const members = this.#members;
    let index = member.heapIndex;
    for (;;) {
      let childIndex = 2 * index + 1;
      if (childIndex >= members.length) break;
      const right = members[childIndex + 1];
      if (right && right.heapDeadline < members[childIndex].heapDeadline) childIndex++;
      const child = members[childIndex];
      if (child.heapDeadline >= member.heapDeadline) break;
      members[index] = child;
      child.heapIndex = index;
      index = childIndex;
    }
    members[index] = member;
    member.heapIndex = index;
  }
}
