import assert from "node:assert/strict";
import { Fault } from "./fault.ts";
import {
  defaultSettings,
  formatSettingValue,
  parseSettingName,
  parseSettingValue,
  SETTING_KEYS,
  type SettingDescription,
  SETTINGS,
} from "./settings.ts";

Deno.test("the thesis's settings have the thesis's names and defaults", () => {
  assert.deepEqual(SETTING_KEYS.slice(0, 5).map((key) => SETTINGS[key].name), [
    "net.inet.sctp.shim.default_local_enable",
    "net.inet.sctp.shim.default_remote_enable",
    "net.inet.sctp.shim.force_bindall",
    "net.inet.sctp.shim.init_rtx_max",
    "net.inet.sctp.shim.path_rtx_max",
  ]);
  assert.equal(defaultSettings().initRtxMax, 1);
});

Deno.test("every setting's default and both ends of its range can be typed", () => {
  for (const key of SETTING_KEYS) {
    const { default: unchanged, minimum, maximum }: SettingDescription = SETTINGS[key];
    for (const value of [unchanged, minimum, maximum]) {
      assert.equal(parseSettingValue(key, formatSettingValue(key, value)), value, key);
      assert.equal(parseSettingValue(key, String(value)), value, key);
    }
  }
});

Deno.test("a setting is named in full or by its last part", () => {
  assert.equal(parseSettingName("net.inet.sctp.shim.init_rtx_max"), "initRtxMax");
  assert.equal(parseSettingName("init_rtx_max"), "initRtxMax");
});

Deno.test("a switch takes any number but zero for on", () => {
  const values = ["0", "1", "2", "-1"].map((text) => parseSettingValue("forceBindall", text));
  assert.deepEqual(values, [0, 1, 1, 1]);
});

Deno.test("a log level is a word", () => {
  assert.equal(parseSettingValue("logLevel", "debug"), 4);
  assert.equal(formatSettingValue("logLevel", 0), "off");
});

const FAULTS: [fault: unknown, code: string, words: RegExp][] = [
  [parseSettingName("init_max"), "unknown-setting", /"init_max".*default_local_enable, /],
  [parseSettingName("net.inet.tcp.rfc1323"), "unknown-setting", /"net\.inet\.tcp\.rfc1323"/],
  [parseSettingValue("initRtxMax", "1001"), "out-of-range", /0 to 1000 retrans.* not 1001/],
  [parseSettingValue("headStart", "-1"), "out-of-range", /head_start takes 0 to 600000 ms/],
  [parseSettingValue("headStart", "250ms"), "bad-value", /0 to 600000 ms, but not "250ms"/],
  [parseSettingValue("cacheSize", ""), "bad-value", /entries, but not nothing/],
  [parseSettingValue("cacheSize", "1.5"), "bad-value", /not "1\.5"/],
  [parseSettingValue("forceBindall", "yes"), "bad-value", /force_bindall takes 0 or 1, but/],
  [parseSettingValue("logLevel", "loud"), "bad-value", /takes off, error, warning, info, debug/],
  [parseSettingValue("logLevel", "5"), "out-of-range", /not 5/],
];

for (const [fault, code, words] of FAULTS) {
  Deno.test(`a setting that cannot be is ${code}: ${words.source}`, () => {
    assert.ok(fault instanceof Fault);
    assert.equal(fault.code, code);
    assert.match(fault.message, words);
  });
}
