/** Why a rule, a setting or a file of them cannot be taken: a value, never an exception. */

/** What can be wrong. The codes are stable: programs may depend on them. */
export type FaultCode =
  // A host or a network.
  | "bad-address"
  | "zone"
  | "mapped-address"
  | "host-with-mask"
  | "mask-missing"
  | "bad-mask"
  | "prefix-too-long"
  | "mask-family"
  | "mask-not-contiguous"
  | "host-bits"
  // A port or a range of them.
  | "bad-port"
  | "port-zero"
  | "port-too-large"
  | "range-in-port"
  | "bad-range"
  | "reversed-range"
  // A rule.
  | "missing-chain"
  | "bad-chain"
  | "missing-policy"
  | "bad-policy"
  | "bad-protocol"
  | "host-and-network"
  | "port-and-range"
  | "bad-option"
  // The table.
  | "duplicate-rule"
  | "unknown-rule"
  // A setting.
  | "unknown-setting"
  | "bad-value"
  | "out-of-range"
  // A message about a change.
  | "bad-change"
  // The file.
  | "bad-toml"
  | "bad-file";

/** What is wrong: a code for programs and words for people. */
export class Fault {
  constructor(
    readonly code: FaultCode,
    /** One line, with the text that was at fault and, where it can be told, what was meant. */
    readonly message: string,
  ) {}

  /** The same fault, with the place where it was found before its words. */
  at(place: string): Fault {
    return new Fault(this.code, `${place}: ${this.message}`);
  }
}
