import assert from "node:assert/strict";
import fc from "fast-check";
import type { Configuration } from "./configuration.ts";
import { Fault } from "./fault.ts";
import { formatFile, parseFile } from "./file_format.ts";
import { formatRule } from "./rule.ts";
import { SETTING_KEYS, SETTINGS } from "./settings.ts";
import { configured } from "./testing/configured.ts";

function contentOf({ table, settings }: Configuration) {
  const rules = table.chains.map(({ entries }) => entries.map(({ rule }) => formatRule(rule)));
  return { rules, settings: { ...settings } };
}

function read(text: string): Configuration {
  const configuration = parseFile(text);
  if (configuration instanceof Fault) assert.fail(configuration.message);
  return configuration;
}

Deno.test("a file has the rules as they are typed and the settings that differ from the default", () => {
  const configuration = configured(
    "-c remote -p enable -n 10.1.2.0/24 -s 22",
    "-c local -p disable -r 1:1024",
    "-c remote -p enable -h 2001:db8::1",
  );
  configuration.apply({ kind: "set", key: "initRtxMax", value: 3 });
  configuration.apply({ kind: "set", key: "logLevel", value: 4 });
  const lines = formatFile(configuration).split("\n").filter((line) => !line.startsWith("#"));
  assert.deepEqual(lines.filter((line) => line !== ""), [
    "rules = [",
    '  "-c local -p disable -r 1:1024",',
    '  "-c remote -p enable -n 10.1.2.0/24 -s 22",',
    '  "-c remote -p enable -h 2001:db8::1",',
    "]",
    "[net.inet.sctp.shim]",
    "init_rtx_max = 3",
    'log_level = "debug"',
  ]);
});

const port = fc.integer({ min: 1, max: 65_535 });
const ruleText = fc.tuple(
  fc.constantFrom("local", "remote"),
  fc.constantFrom("enable", "disable"),
  fc.oneof(fc.constant(""), fc.ipV4().map((host) => `-h ${host}`)),
  port.map((one) => `-s ${one}`),
).map(([chain, policy, host, ports]) => `-c ${chain} -p ${policy} ${host} ${ports}`);
const setting = fc.constantFrom(...SETTING_KEYS).chain((key) =>
  fc.integer({ min: SETTINGS[key].minimum, max: SETTINGS[key].maximum })
    .map((value) => ({ kind: "set", key, value }) as const)
);

Deno.test("what is written is read as the same rules and settings", () => {
  const property = fc.property(
    fc.uniqueArray(ruleText, { maxLength: 20, selector: (text) => text.replace(/\s+/g, " ") }),
    fc.array(setting, { maxLength: 10 }),
    (texts, changes) => {
      const configuration = configured(...texts);
      for (const change of changes) configuration.apply(change);
      assert.deepEqual(contentOf(read(formatFile(configuration))), contentOf(configuration));
    },
  );
  fc.assert(property);
});

Deno.test("a file that a person has written is read", () => {
  const configuration = read(`
    # At home.
    rules = [
      '-p enable -c remote -n 10.1.2.0/255.255.255.0 -r 22:22',  # SSH
    ]
    "net.inet.sctp.shim.default_local_enable" = true
    net.inet.sctp.shim.default_remote_enable = 1
    net.inet.sctp.shim.force_bindall = false
    net.inet.sctp.shim.log_level = 1
  `);
  const { rules, settings } = contentOf(configuration);
  assert.deepEqual(rules, [[], [], ["-c remote -p enable -n 10.1.2.0/24 -s 22"], []]);
  assert.equal(settings.defaultLocalEnable, 1);
  assert.equal(settings.defaultRemoteEnable, 1);
  assert.equal(settings.forceBindall, 0);
  assert.equal(settings.logLevel, 1);
});

Deno.test("an empty file has no rules and every default", () => {
  assert.deepEqual(contentOf(read("")), contentOf(configured()));
});

const SHIM = "[net.inet.sctp.shim]\n";
const RULE = '"-c remote -p enable -s 22"';

const FAULTS: [text: string, code: string, message: RegExp][] = [
  ["rules = [", "bad-toml", /^line 1, column \d+: \w/],
  ["\nrules == 3", "bad-toml", /^line 2, column 8: /],
  ["a = 99999999999999999999", "bad-toml", /^line 1/],
  ["rules = 3", "bad-file", /^rules is not an array of strings$/],
  [`rules = [${RULE}, 5]`, "bad-file", /^rule 2 is not a string$/],
  [
    `rules = [\n  ${RULE},\n  "-c remote -p enable -s 0",\n]`,
    "port-zero",
    /^line 3: rule 2, "-c remote -p enable -s 0": port 0 is no port/,
  ],
  [
    `# ${RULE}\nrules = [\n  ${RULE},\n  ${RULE},\n]`,
    "duplicate-rule",
    /^line 4: rule 2, .* is there already: rule 1 of remote-enable$/,
  ],
  [
    'rules = ["-c remote -p enable -n 10.1.2.3\\u002f24"]',
    "host-bits",
    /^rule 1, "-c remote -p enable -n 10\.1\.2\.3\/24": .*10\.1\.2\.0\/24/,
  ],
  [`${SHIM}init_rtx_max = 1001`, "out-of-range", /^line 2: net\.inet\.sctp\.shim\.init_rtx_max: /],
  [`${SHIM}init_rtx_max = 1.5`, "bad-value", /not "1\.5"$/],
  [`${SHIM}init_rtx_max = { a = 1 }`, "bad-value", /not "\{"a":1\}"$/],
  [`${SHIM}cache_size = 1979-05-27`, "bad-value", /1979-05-27/],
  [`${SHIM}init_max = 1`, "unknown-setting", /^line 2: .*there is no setting .*init_rtx_max/],
  ["[net.inet.sctp]\nshim = 1", "bad-file", /^line 2: net\.inet\.sctp\.shim: this is neither/],
  ["[net.inet.tcp]\nrfc1323 = 1", "bad-file", /^line 1: net\.inet\.tcp: this is neither/],
  ["net = 1", "bad-file", /^line 1: net: this is neither/],
  ["init_rtx_max = 1", "bad-file", /^line 1: init_rtx_max: this is neither rules nor a setting/],
  ['"__proto__" = 1', "bad-file", /__proto__: this is neither/],
  ["[__proto__]\nrules = []", "bad-file", /__proto__: this is neither/],
];

for (const [text, code, message] of FAULTS) {
  Deno.test(`the file ${JSON.stringify(text)} is ${code}`, () => {
    const fault = parseFile(text);
    assert.ok(fault instanceof Fault);
    assert.equal(fault.code, code);
    assert.match(fault.message, message);
    assert.ok(!fault.message.includes("\n"));
  });
}

Deno.test("no text makes the reader throw", () => {
  const piece = fc.constantFrom(
    "rules",
    "net",
    "inet.sctp",
    ".shim",
    "__proto__",
    " = ",
    "[",
    "]",
    "{",
    "}",
    '"',
    "'",
    "\n",
    ",",
    "1",
    "#",
    "true",
    "-c remote -p enable",
    "init_rtx_max",
    "\\",
    "1979-05-27",
    "inf",
    "\0",
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 20 }).map((parts) => parts.join("")),
  );
  fc.assert(fc.property(text, (given) => void parseFile(given)), { numRuns: 1000 });
});

Deno.test("deep nesting is a fault, not an overflow", () => {
  const fault = parseFile(`a = ${"[".repeat(100_000)}`);
  assert.ok(fault instanceof Fault);
  assert.equal(fault.code, "bad-toml");
});
