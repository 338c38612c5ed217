/** Kinds of option values that several commands share, each with errors that say what would do. */
import { message } from "@optique/core/message";
import type { Message } from "@optique/core/message";
import { option } from "@optique/core/primitives";
import type { ValueParser } from "@optique/core/valueparser";
import { IpAddress } from "../core/sctp/base/address.ts";

/** `--json`, for every command that prints data. */
export const jsonFlag = option("--json", { description: message`Prints JSON instead of text.` });

/** Reads a text, or says why it cannot. */
type Read<T> = (text: string) => { readonly value: T } | { readonly fault: Message };

function valueParser<T>(
  metavar: "ADDRESSES" | "PORT" | "DURATION" | "SIZE",
  placeholder: T,
  read: Read<T>,
  format: (value: T) => string,
): ValueParser<"sync", T> {
  return {
    mode: "sync",
    metavar,
    placeholder,
    parse: (text) => {
      const result = read(text);
      if ("fault" in result) return { success: false, error: result.fault };
      return { success: true, value: result.value };
    },
    format,
  };
}

/** IP addresses joined by commas, at least one, none twice. */
export function ipAddresses(): ValueParser<"sync", readonly IpAddress[]> {
  const read: Read<readonly IpAddress[]> = (text) => {
    const value: IpAddress[] = [];
    for (const part of text.split(",")) {
      const address = IpAddress.tryParse(part);
      if (!address) {
        return {
          fault: message`Expected addresses such as 192.0.2.1,2001:db8::1, but got ${text}.`,
        };
      }
      if (value.some((known) => known.equals(address))) {
        return { fault: message`Address ${part} stands twice in ${text}.` };
      }
      value.push(address);
    }
    return { value };
  };
  return valueParser("ADDRESSES", [], read, (value) => value.join(","));
}

const MAX_PORT = 65_535;

const readPort: Read<number> = (text) => {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= MAX_PORT) return { value };
  return { fault: message`Expected a port from 1 to 65535, but got ${text}.` };
};

/** A port, 1 to 65,535. */
export function port(): ValueParser<"sync", number> {
  return valueParser("PORT", 1, readPort, String);
}

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

const readDuration: Read<number> = (text) => {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text);
  if (match) return { value: Number(match[1]) * MILLISECONDS[match[2]] };
  return { fault: message`Expected a duration such as 250ms, 1.5s, 2m or 1h, but got ${text}.` };
};

function formatDuration(milliseconds: number): string {
  const unit = ["h", "m", "s"].find((name) => milliseconds % MILLISECONDS[name] === 0) ?? "ms";
  return milliseconds === 0 ? "0s" : `${milliseconds / MILLISECONDS[unit]}${unit}`;
}

/** A duration with its unit: ms, s, m or h. The value is in milliseconds. */
export function duration(): ValueParser<"sync", number> {
  return valueParser("DURATION", 0, readDuration, formatDuration);
}

/** Bytes in a unit: K, M, G and KiB, MiB, GiB count by 1,024; kB, MB, GB by 1,000. */
const BYTES: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  K: 1024,
  KiB: 1024,
  kB: 1000,
  M: 1024 ** 2,
  MiB: 1024 ** 2,
  MB: 1000 ** 2,
  G: 1024 ** 3,
  GiB: 1024 ** 3,
  GB: 1000 ** 3,
};

/** The units in which a size is shown, largest first. */
const SHOWN_UNITS = ["GiB", "GB", "MiB", "MB", "KiB", "kB"] as const;

const readSize: Read<number> = (text) => {
  const match = /^(\d{1,12})([A-Za-z]*)$/.exec(text);
  const unit = match && Object.hasOwn(BYTES, match[2]) ? BYTES[match[2]] : undefined;
  const value = match && unit ? Number(match[1]) * unit : NaN;
  if (Number.isSafeInteger(value)) return { value };
  return { fault: message`Expected a size such as 1400, 64KiB, 25MB or 1GiB, but got ${text}.` };
};

function formatSize(bytes: number): string {
  const unit = SHOWN_UNITS.find((name) => bytes > 0 && bytes % BYTES[name] === 0);
  return unit ? `${bytes / BYTES[unit]}${unit}` : String(bytes);
}

/** A size in bytes, with or without a unit: 1400, 64KiB, 25MB. */
export function size(): ValueParser<"sync", number> {
  return valueParser("SIZE", 0, readSize, formatSize);
}
