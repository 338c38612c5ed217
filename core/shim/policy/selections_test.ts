import assert from "node:assert/strict";
import type { Configuration } from "../../rules/configuration.ts";
import { Fault } from "../../rules/fault.ts";
import { parseFile } from "../../rules/file_format.ts";
import { remoteSelections } from "./selections.ts";

function configured(...lines: readonly string[]): Configuration {
  const configuration = parseFile(lines.join("\n"));
  if (configuration instanceof Fault) throw configuration;
  return configuration;
}

const RULES = `rules = [
  "-c remote -p enable -n 10.0.0.0/8 -s 80",
  "-c remote -p disable -r 1:1023",
  "-c remote -p enable -P udp -s 53",
  "-c local -p enable -s 22",
]`;

Deno.test("by default the kernel brings what the remote chain enables, and nothing else", () => {
  const { selections, otherwise } = remoteSelections(configured(RULES).table);
  assert.equal(otherwise, false);
  assert.deepEqual(
    selections.map(({ intercept, network, ports }) => [
      intercept,
      network?.address.text,
      network?.prefixLength,
      ports,
    ]),
    [[true, "10.0.0.0", 8, { low: 80, high: 80 }]],
  );
});

Deno.test("where the default is to enable, it brings all but what the remote chain disables", () => {
  const settings = "[net.inet.sctp.shim]\ndefault_remote_enable = 1";
  const { selections, otherwise } = remoteSelections(configured(RULES, settings).table);
  assert.equal(otherwise, true);
  assert.deepEqual(selections, [
    { intercept: false, network: undefined, ports: { low: 1, high: 1023 } },
  ]);
});
