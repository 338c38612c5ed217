/** Both directions of a link. */
import type { Link } from "./link.ts";
import type { LinkSettings } from "./link_settings.ts";

/** A cable between two boxes: two directions, each with settings and luck of its own. */
export class DuplexLink {
  constructor(
    /** From the first end to the second; of an access link, into the cloud. */
    readonly forward: Link,
    /** From the second end to the first. */
    readonly backward: Link,
  ) {}

  /** Cuts both directions silently. */
  cut(): void {
    this.forward.cut();
    this.backward.cut();
  }

  /** Ends a cut of both directions. */
  heal(): void {
    this.forward.heal();
    this.backward.heal();
  }

  /**
   * Changes settings of both directions. A loss model with memory is to be set on each by itself.
   * @throws RangeError if a value is out of its range.
   */
  change(changes: LinkSettings): void {
    this.forward.change(changes);
    this.backward.change(changes);
  }
}
