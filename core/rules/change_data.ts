/** Changes as plain values, for messages between processes and threads. */
import type { Change } from "./configuration.ts";
import { Fault } from "./fault.ts";
import { formatRule, parseChain, parsePolicy, parseRule } from "./rule.ts";
import { formatSettingValue, parseSettingName, parseSettingValue, SETTINGS } from "./settings.ts";

/** A change in words: rules as they are typed, settings by their full names. */
export type ChangeData =
  | { readonly kind: "add" | "delete"; readonly rule: string }
  | { readonly kind: "flush"; readonly chain?: string; readonly policy?: string }
  | { readonly kind: "set"; readonly name: string; readonly value: string };

/** The plain form of a change. */
export function changeData(change: Change): ChangeData {
  switch (change.kind) {
    case "add":
    case "delete":
      return { kind: change.kind, rule: formatRule(change.rule) };
    case "flush":
      return { ...change };
    case "set": {
      const { key, value } = change;
      return { kind: "set", name: SETTINGS[key].name, value: formatSettingValue(key, value) };
    }
    default:
      return change satisfies never;
  }
}

/** Reads the plain form, whatever it is. Total. */
export function readChange(data: unknown): Change | Fault {
  const { kind, rule, chain, policy, name, value } = fieldsOf(data);
  if ((kind === "add" || kind === "delete") && typeof rule === "string") {
    const parsed = parseRule(rule);
    return parsed instanceof Fault ? parsed : { kind, rule: parsed };
  }
  if (kind === "flush" && isOptionalText(chain) && isOptionalText(policy)) {
    return readFlush(chain, policy);
  }
  if (kind === "set" && typeof name === "string" && typeof value === "string") {
    return readSetting(name, value);
  }
  return new Fault("bad-change", `not a change: ${JSON.stringify(data) ?? "nothing"}`);
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(data: unknown): Fields {
  return typeof data === "object" && data !== null ? { ...data } : {};
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}

function readFlush(chainText?: string, policyText?: string): Change | Fault {
  const chain = chainText === undefined ? undefined : parseChain(chainText);
  if (chain instanceof Fault) return chain;
  const policy = policyText === undefined ? undefined : parsePolicy(policyText);
  if (policy instanceof Fault) return policy;
  return { kind: "flush", chain, policy };
}

function readSetting(name: string, text: string): Change | Fault {
  const key = parseSettingName(name);
  if (key instanceof Fault) return key;
  const value = parseSettingValue(key, text);
  return value instanceof Fault ? value : { kind: "set", key, value };
}
