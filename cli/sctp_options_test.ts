import assert from "node:assert/strict";
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { parse } from "@optique/core/parser";
import { argument } from "@optique/core/primitives";
import {
  messageOptions,
  parametersOf,
  protocolOptions,
  target,
  transferOptions,
  transportOptions,
} from "./sctp_options.ts";

const parser = object({
  target: optional(argument(target())),
  transport: transportOptions,
  protocol: protocolOptions,
  messages: messageOptions,
  transfer: transferOptions,
});

function parsed(...args: string[]) {
  const result = parse(parser, args);
  assert.ok(result.success, `${args.join(" ")} should be understood`);
  return result.value;
}

function faultOf(...args: string[]): string {
  const result = parse(parser, args);
  assert.ok(!result.success, `${args.join(" ")} should not be understood`);
  return JSON.stringify(result.error);
}

Deno.test("--udp takes a port or none, wherever it stands", () => {
  const alone = { transport: "udp", udpPort: 9899 };
  const chosen = { transport: "udp", udpPort: 9900 };
  assert.deepEqual(parsed("7", "--udp").transport.carrier, alone);
  assert.deepEqual(parsed("7", "--udp", "--echo").transport.carrier, alone);
  assert.deepEqual(parsed("--udp", "9900", "7").transport.carrier, chosen);
  assert.deepEqual(parsed("--udp=9900", "7").target, { host: undefined, port: 7 });
  assert.equal(parsed("7").transport.carrier, undefined);
});

Deno.test("one side is carried by UDP or by IP, not by both", () => {
  assert.equal(parsed("7", "--raw").transport.carrier?.transport, "raw");
  faultOf("7", "--raw", "--udp");
});

Deno.test("a target is a port, or a host of any form with a port", () => {
  assert.deepEqual(parsed("7").target, { host: undefined, port: 7 });
  assert.deepEqual(parsed("server:7").target, { host: "server", port: 7 });
  assert.deepEqual(parsed("[2001:db8::1]:7").target, { host: "2001:db8::1", port: 7 });
  faultOf("server");
  faultOf("2001:db8::1:7");
  faultOf("server:70000");
});

Deno.test("the mode is a pipe unless exactly one other is named", () => {
  assert.equal(parsed("7").transfer.mode, "pipe");
  assert.equal(parsed("7", "--echo").transfer.mode, "echo");
  assert.equal(parsed("7", "--send", "--count", "3").transfer.count, 3);
  faultOf("7", "--echo", "--discard");
});

Deno.test("parameters are named in any case and checked against their range", () => {
  const options = parsed("7", "--param", "RTOMIN=20", "--param", "noDelay=1", "--streams", "10");
  assert.deepEqual(parametersOf(options), { rtoMin: 20, noDelay: 1, outboundStreams: 10 });
  assert.match(faultOf("7", "--param", "rtoMin=0"), /RTO\.Min.*from 1 to/);
  assert.match(faultOf("7", "--param", "rtoMin"), /rtoMin/);
  assert.match(faultOf("7", "--param", "rtoMinimum=20"), /There is no parameter/);
});
