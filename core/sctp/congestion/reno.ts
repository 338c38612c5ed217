/** The congestion control of RFC 9260, section 7.2. */
import type { AckSummary, CongestionController } from "./controller.ts";

/**
 * RFC 9260, section 7.2.1: L SHOULD be 1 and MAY be larger.
 * Deviation: a receiver that handles a batch of packets at once sends one SACK for all of them, so
 * with L = 1 slow start would depend on its batching; the byte count (bound 1) still holds.
 */
export const SLOW_START_L = 8;

export class Reno implements CongestionController {
  readonly name = "reno";
  #cwnd = 0;
  #ssthresh = Infinity;
  #partialBytesAcked = 0;
  #idle = false;
  #pmdcs: number;
  readonly #initialFloor: number;

  /**
   * @param pmdcs the path's largest DATA chunk in bytes.
   * @param family of the destination address: it decides the initial window.
   */
  constructor(pmdcs: number, family: 4 | 6) {
    this.#pmdcs = pmdcs;
    this.#initialFloor = family === 4 ? 4404 : 4344;
    this.reset();
  }

  get cwnd(): number {
    return this.#cwnd;
  }

  get ssthresh(): number {
    return this.#ssthresh;
  }

  onAck(summary: AckSummary): void {
    this.#idle = false;
    if (this.#cwnd <= this.#ssthresh) this.#slowStart(summary);
    else this.#avoidCongestion(summary);
    if (summary.everythingAcked) this.#partialBytesAcked = 0;
  }

  /** RFC 9260, section 7.2.1: only if the window was in use and not in Fast Recovery. */
  #slowStart(summary: AckSummary): void {
    if (!summary.cumulativeAdvanced || summary.inFastRecovery) return;
    if (!summary.windowInUse) return;
    this.#cwnd += Math.min(summary.ackedBytes, SLOW_START_L * this.#pmdcs);
  }

  /** RFC 9260, section 7.2.2. */
  #avoidCongestion(summary: AckSummary): void {
    this.#partialBytesAcked += summary.ackedBytes;
    if (this.#partialBytesAcked < this.#cwnd) return;
    if (!summary.windowInUse) {
      this.#partialBytesAcked = this.#cwnd;
    } else {
      this.#partialBytesAcked -= this.#cwnd;
      this.#cwnd += this.#pmdcs;
    }
  }

  /** RFC 9260, section 7.2.3. */
  onLoss(): void {
    this.#ssthresh = Math.max(this.#cwnd / 2, 4 * this.#pmdcs);
    // More conservative than the letter, as allowed: a loss never makes the window larger.
    this.#cwnd = Math.min(this.#cwnd, this.#ssthresh);
    this.#partialBytesAcked = 0;
  }

  /** RFC 9260, sections 6.3.3, E1 and 7.2.3. */
  onTimeout(): void {
    this.#ssthresh = Math.max(this.#cwnd / 2, 4 * this.#pmdcs);
    this.#cwnd = this.#pmdcs;
    this.#partialBytesAcked = 0;
  }

  /** RFC 3168, section 6.1.2: react as to a loss. */
  onCongestionExperienced(): void {
    this.onLoss();
  }

  /**
   * RFC 9260, section 7.2.1, last item: remember the window once, then halve it per RTO. A window that
   * is at its floor already is not adjusted, so ssthresh keeps what is known of the path.
   */
  onIdle(): void {
    if (this.#cwnd <= 4 * this.#pmdcs) return;
    if (!this.#idle) this.#ssthresh = this.#cwnd;
    this.#idle = true;
    this.#cwnd = Math.max(this.#cwnd / 2, 4 * this.#pmdcs);
  }

  setMaximumChunk(bytes: number): void {
    this.#pmdcs = bytes;
  }

  reset(): void {
    this.#cwnd = Math.min(4 * this.#pmdcs, Math.max(2 * this.#pmdcs, this.#initialFloor));
    this.#ssthresh = Infinity;
    this.#partialBytesAcked = 0;
    this.#idle = false;
  }
}
