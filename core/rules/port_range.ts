/** Which ports a rule is about: one, or a contiguous range (Bickhart 2005, section 2.2.2). */
import { Fault } from "./fault.ts";

/** Ports `low` to `high`, both among them: 1 to 65,535. One port is a range of one. */
export interface PortRange {
  readonly low: number;
  readonly high: number;
}

const MAX_PORT = 65_535;

/** Reads one port. */
export function parsePort(text: string): PortRange | Fault {
  if (/^\d+[:-]\d+$/.test(text)) {
    const range = text.replace("-", ":");
    return new Fault("range-in-port", `"${text}" is a range, not a port: write -r ${range}`);
  }
  const port = readPort(text);
  return port instanceof Fault ? port : { low: port, high: port };
}

/** Reads `low:high`. */
export function parsePortRange(text: string): PortRange | Fault {
  const [first, second, ...more] = text.split(":");
  if (second === undefined || more.length > 0) return badRange(text);
  const low = readPort(first);
  if (low instanceof Fault) return low;
  const high = readPort(second);
  if (high instanceof Fault) return high;
  if (low <= high) return { low, high };
  return new Fault(
    "reversed-range",
    `the range ${text} is reversed: did you mean ${high}:${low}?`,
  );
}

function badRange(text: string): Fault {
  if (/^\d+-\d+$/.test(text)) {
    const meant = text.replace("-", ":");
    return new Fault("bad-range", `"${text}" is no range: did you mean ${meant}?`);
  }
  const advice = /^\d+$/.test(text)
    ? `a range has two ports, such as 1:1024; one port is given as -s ${text}`
    : "a range is two ports with a colon between them, such as 1:1024";
  return new Fault("bad-range", `"${text}" is no range: ${advice}`);
}

function readPort(text: string): number | Fault {
  if (!/^\d+$/.test(text)) {
    return new Fault("bad-port", `"${text}" is no port: ports are numbers from 1 to ${MAX_PORT}`);
  }
  const port = Number(text);
  if (port === 0) {
    return new Fault("port-zero", `port 0 is no port that a connection can have: 1 is the lowest`);
  }
  if (port > MAX_PORT) {
    return new Fault("port-too-large", `port ${text} is above ${MAX_PORT}, the highest there is`);
  }
  return port;
}
