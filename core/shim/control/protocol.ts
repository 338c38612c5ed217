/**
 * What is said on the control socket: a JSON object a line, each request answered by one line.
 *
 * ```text
 * > {"version":1,"id":1,"kind":"status"}
 * < {"version":1,"id":1,"result":{...}}
 * > {"version":1,"id":2,"kind":"change","change":{"kind":"add","rule":"-c remote -p enable -s 22"}}
 * < {"version":1,"id":2,"error":{"code":"duplicate-rule","message":"..."}}
 * ```
 *
 * The version goes up when a request of before would mean something else; requests and fields that
 * are new do not count. Unknown fields are ignored. Pure; reading is total.
 */
import { readChange } from "../../rules/change_data.ts";
import type { Change } from "../../rules/configuration.ts";
import { Fault, type FaultCode } from "../../rules/fault.ts";

export const CONTROL_VERSION = 1;

/** Bytes of the longest request, and of the longest answer: some 100,000 rules. */
export const MAX_REQUEST = 64 * 1024;
export const MAX_ANSWER = 64 * 1024 * 1024;

/** A request. */
export type ControlRequest =
  /** Answered by a `ShimStatus`. */
  | { readonly kind: "status" }
  /** Rules and settings: answered by a `Snapshot`. */
  | { readonly kind: "configuration" }
  /** Changes rules or settings, on disk too: answered by the `Snapshot` after that. */
  | { readonly kind: "change"; readonly change: Change }
  /** Reads the file of rules and settings again: answered by the `Snapshot` after that. */
  | { readonly kind: "reload" }
  /** What is known about servers: answered by a list of `AvailabilityEntry`; then forgets it if `flush`. */
  | { readonly kind: "availability"; readonly flush: boolean }
  /** Prepares for `shimkit run`: answered by `{ path }`, the folder of a cgroup to run it below. */
  | { readonly kind: "applications" }
  /** Ends the daemon as SIGTERM does, but with this `drain` in milliseconds: answered by `{}`. */
  | { readonly kind: "stop"; readonly drain: number };

/** Requests after which something is different: for root and the daemon's owner only. */
export function isChanging(request: ControlRequest): boolean {
  const { kind } = request;
  if (kind === "availability") return request.flush;
  return kind === "change" || kind === "reload" || kind === "applications" || kind === "stop";
}

/** Why a request is not done. The codes are stable. */
export type ControlFaultCode =
  | FaultCode
  | "bad-json"
  | "bad-version"
  | "bad-request"
  | "too-long"
  | "not-allowed"
  | "failed";

/** What is wrong with a request, or went wrong with it. */
export class ControlFault {
  constructor(readonly code: ControlFaultCode, readonly message: string) {}
}

/** A line from a client. */
export interface ReceivedRequest {
  /** Goes back with the answer; null where the request has none. */
  readonly id: number | null;
  readonly request: ControlRequest | ControlFault;
}

/** Reads a request, whatever it is. */
export function parseRequest(line: string): ReceivedRequest {
  const fields = parseObject(line);
  if (!fields) return { id: null, request: new ControlFault("bad-json", "not a JSON object") };
  const id = typeof fields.id === "number" ? fields.id : null;
  return { id, request: requestOf(fields) };
}

function requestOf(fields: Fields): ControlRequest | ControlFault {
  const { version, kind } = fields;
  if (version !== CONTROL_VERSION) {
    const given = JSON.stringify(version) ?? "none";
    return new ControlFault("bad-version", `version ${given} is not ${CONTROL_VERSION}`);
  }
  switch (kind) {
    case "status":
    case "configuration":
    case "reload":
    case "applications":
      return { kind };
    case "availability":
      return { kind, flush: fields.flush === true };
    case "change":
      return changeOf(fields.change);
    case "stop":
      return stopOf(fields.drain ?? 0);
    default: {
      const given = JSON.stringify(kind) ?? "nothing";
      return new ControlFault("bad-request", `there is no request ${given}`);
    }
  }
}

function changeOf(data: unknown): ControlRequest | ControlFault {
  const change = readChange(data);
  return change instanceof Fault
    ? new ControlFault(change.code, change.message)
    : { kind: "change", change };
}

function stopOf(drain: unknown): ControlRequest | ControlFault {
  return typeof drain === "number" && drain >= 0
    ? { kind: "stop", drain }
    : new ControlFault("bad-request", '"drain" takes milliseconds from 0 up');
}

/** The line of an answer. */
export function formatAnswer(id: number | null, result: unknown): string {
  const version = CONTROL_VERSION;
  const answer = result instanceof ControlFault
    ? { version, id, error: { code: result.code, message: result.message } }
    : { version, id, result };
  return `${JSON.stringify(answer)}\n`;
}

/** The line of a request. */
export function formatRequest(id: number, kind: string, fields: object = {}): string {
  return `${JSON.stringify({ version: CONTROL_VERSION, id, kind, ...fields })}\n`;
}

/** A line from a daemon: the result, or what went wrong. */
export function parseAnswer(line: string): { readonly result: unknown } | ControlFault {
  const fields = parseObject(line);
  if (!fields) return new ControlFault("bad-json", "the daemon's answer is not a JSON object");
  const { error } = fields;
  if (typeof error !== "object" || error === null) return { result: fields.result };
  const { code, message } = error as Fields;
  return new ControlFault(code as ControlFaultCode, String(message));
}

type Fields = Readonly<Record<string, unknown>>;

function parseObject(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
