/** Retransmission time-out of one path (RFC 9260, section 6.3.1). */
import type { Parameters } from "../parameters.ts";

/** Clock granularity G in milliseconds: the engine's clock has fractions, rule G1 needs a floor. */
const GRANULARITY = 1;

type RtoParameters = Pick<
  Parameters,
  "rtoInitial" | "rtoMin" | "rtoMax" | "rtoAlpha" | "rtoBeta"
>;

export class RtoEstimator {
  #srtt = 0;
  #rttvar = 0;
  #hasSample = false;
  #rto: number;

  constructor(private parameters: RtoParameters) {
    this.#rto = parameters.rtoInitial;
  }

  /** False until the first measurement; {@link srtt} and {@link rttvar} mean nothing before. */
  get hasSample(): boolean {
    return this.#hasSample;
  }

  /** Smoothed round-trip time in milliseconds. */
  get srtt(): number {
    return this.#srtt;
  }

  /** Round-trip time variation in milliseconds. */
  get rttvar(): number {
    return this.#rttvar;
  }

  /** Current time-out in milliseconds, with any back-off. */
  get rto(): number {
    return this.#rto;
  }

  /** Has other bounds from now on. */
  retune(parameters: RtoParameters): void {
    this.parameters = parameters;
    this.#rto = this.#bounded(this.#rto);
  }

  /** Takes a measurement in milliseconds that is free of Karn's ambiguity (rule C5). */
  addSample(rtt: number): void {
    const { rtoAlpha, rtoBeta } = this.parameters;
    if (this.#hasSample) {
      // RFC 9260, section 6.3.1, C3: RTTVAR uses SRTT as it was before this sample.
      this.#rttvar = (1 - rtoBeta) * this.#rttvar + rtoBeta * Math.abs(this.#srtt - rtt);
      this.#srtt = (1 - rtoAlpha) * this.#srtt + rtoAlpha * rtt;
    } else {
      this.#srtt = rtt;
      this.#rttvar = rtt / 2;
      this.#hasSample = true;
    }
    if (this.#rttvar === 0) this.#rttvar = GRANULARITY;
    this.#rto = this.#bounded(this.#srtt + 4 * this.#rttvar);
  }

  /** Doubles the time-out (RFC 9260, section 6.3.3, E2). */
  backOff(): void {
    this.#rto = this.#bounded(this.#rto * 2);
  }

  /** Forgets everything: the path may have become another one (RFC 9260, section 7.2.5). */
  reset(): void {
    this.#hasSample = false;
    this.#srtt = 0;
    this.#rttvar = 0;
    this.#rto = this.parameters.rtoInitial;
  }

  #bounded(value: number): number {
    return Math.min(Math.max(value, this.parameters.rtoMin), this.parameters.rtoMax);
  }
}
