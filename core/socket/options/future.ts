/** What holds for the associations of a socket that are set up from now on (SCTP_FUTURE_ASSOC). */
import { type AuthenticationPlan, authenticationPlan } from "../../sctp/auth/options.ts";
import { type Parameters, withParameters } from "../../sctp/parameters.ts";
import type { StreamSchedulerName } from "../../sctp/tx/stream_scheduler.ts";
import type { AssociationOptions } from "../association_options.ts";
import type { PrInfo } from "../reliability.ts";
import type { NotificationType } from "./events.ts";
import { defaultMessageSettings, type MessageSettings } from "./message_settings.ts";

/** What a stack gives to all of its sockets. */
export interface StackDefaults {
  readonly parameters: Parameters;
  readonly authentication: AuthenticationPlan;
}

export class FutureSettings {
  readonly messages: MessageSettings = defaultMessageSettings();
  readonly events = new Set<NotificationType>();
  prinfo: PrInfo = { policy: "none" };
  scheduler: StreamSchedulerName | undefined;
  /** Priorities or weights, by stream. */
  readonly streamValues = new Map<number, number>();
  /** Bytes of user data in a chunk at most; 0 for what fits. */
  maximumSegment = 0;
  /** UDP port of peers that name none; `undefined` for the usual one. */
  encapsulationPort: number | undefined;
  readonly #options: AssociationOptions;
  readonly #changed: (settings: FutureSettings) => void;
  #parameters: Parameters;
  #authentication: AuthenticationPlan;
  #adaptationIndication: number | undefined;

  /**
   * @param changed called when what new associations are set up with has changed.
   * @throws RangeError for options that cannot be.
   */
  constructor(
    { parameters, authentication }: StackDefaults,
    options: AssociationOptions,
    changed: (settings: FutureSettings) => void = () => {},
  ) {
    this.#options = options;
    this.#changed = changed;
    this.#parameters = withParameters(options.parameters ?? {}, parameters);
    this.#authentication = authenticationPlan(
      options.authentication,
      this.#parameters,
      authentication,
    );
    this.#adaptationIndication = options.adaptationIndication;
    this.messages.fragmentInterleave = this.#parameters.fragmentInterleave === 2 ? 2 : 0;
  }

  get parameters(): Parameters {
    return this.#parameters;
  }

  get authentication(): AuthenticationPlan {
    return this.#authentication;
  }

  get adaptationIndication(): number | undefined {
    return this.#adaptationIndication;
  }

  set adaptationIndication(indication: number | undefined) {
    this.#adaptationIndication = indication;
    this.#changed(this);
  }

  /** How an association is set up. */
  get associationOptions(): AssociationOptions {
    return {
      localAddresses: this.#options.localAddresses,
      parameters: this.#parameters,
      adaptationIndication: this.#adaptationIndication,
      authentication: this.#authentication,
    };
  }

  /** @throws RangeError for what cannot be; nothing has changed then. */
  retune(changes: Partial<Parameters>): void {
    const parameters = withParameters(changes, this.#parameters);
    authenticationPlan({}, parameters, this.#authentication);
    this.#parameters = parameters;
    this.#changed(this);
  }

  /** @throws RangeError for what cannot be; nothing has changed then. */
  authenticate(changes: Partial<AuthenticationPlan>): void {
    this.#authentication = authenticationPlan(changes, this.#parameters, this.#authentication);
    this.#changed(this);
  }
}
