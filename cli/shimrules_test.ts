/** `shimrules`, `explain` and `sysctl` as their users meet them, on a file of the test's own. */
import assert from "node:assert/strict";
import { runProgram } from "./program.ts";
import { collectingIo } from "./testing/collecting_io.ts";

/** Runs commands on one file, which is gone after the test. */
class Host implements Disposable {
  readonly #folder = Deno.makeTempDirSync();
  readonly file = `${this.#folder}/shimkit.toml`;

  /** What a command line ends with: exit code, standard output, standard error. */
  async run(line: string): Promise<[code: number, out: string, err: string]> {
    const { io, out, err } = collectingIo();
    const code = await runProgram([...line.split(" "), "--file", this.file], io);
    return [code, out.join("\n"), err.join("\n")];
  }

  /** Standard output of a command line that is to succeed. */
  async out(line: string): Promise<string> {
    const [code, out, err] = await this.run(line);
    assert.equal(code, 0, err);
    return out;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

Deno.test("every form of the thesis's usage (Bickhart 2005, figure 2.6) is taken", async () => {
  using host = new Host();
  const specifications = [
    "-h 10.1.2.3",
    "-h 10.1.2.3 -s 22",
    "-h 10.1.2.3 -r 1:1024",
    "-n 10.1.2.0/255.255.255.0",
    "-n 10.1.2.0/255.255.255.0 -s 22",
    "-n 10.1.2.0/255.255.255.0 -r 1:1024",
    "-s 22",
    "-s 22 -h 10.1.2.4",
    "-s 22 -n 10.1.0.0/255.255.0.0",
    "-r 1:1024",
    "-r 1:1024 -h 10.1.2.4",
    "-r 1:1024 -n 10.1.0.0/255.255.0.0",
  ];
  for (const specification of specifications) {
    assert.equal(await host.out(`shimrules -A -c remote -p enable ${specification}`), "");
  }
  assert.equal((await host.out("shimrules -L")).split("\n").length, specifications.length);
  assert.equal(await host.out("shimrules -L -c local"), "");
  for (const specification of specifications) {
    await host.out(`shimrules -D -c remote -p enable ${specification}`);
  }
  assert.equal(await host.out("shimrules -L -c remote -p enable"), "");
  assert.equal(await host.out("shimrules -G -c remote"), "disable");
  await host.out("shimrules -S -c remote -p enable");
  assert.equal(await host.out("shimrules -G -c remote"), "enable");
  assert.equal(await host.out("shimrules -G -c local"), "disable");
  await host.out("shimrules -A -c local -p enable -s 80");
  await host.out("shimrules -F");
  assert.equal(await host.out("shimrules -L"), "");
});

Deno.test("-H shows the help, and -h is a host", async () => {
  using host = new Host();
  assert.match(await host.out("shimrules -H"), /-h, --host ADDRESS/);
  assert.match(await host.out("shimrules --help"), /-h, --host ADDRESS/);
  const [code, , err] = await host.run("shimrules -L -h");
  assert.equal(code, 2);
  assert.doesNotMatch(err, /Usage/);
});

Deno.test("long options say the same, in any order", async () => {
  using host = new Host();
  await host.out("shimrules --policy enable --range 1:9 --network 10.0.0.0/8 --add --chain remote");
  await host.out("shimrules --chain local --policy=enable --host ::1 --port 80 --add");
  assert.deepEqual((await host.out("shimrules --list")).split("\n"), [
    "-A -c local -p enable -h ::1 -s 80           # local-enable 1",
    "-A -c remote -p enable -n 10.0.0.0/8 -r 1:9  # remote-enable 1",
  ]);
});

Deno.test("rules are listed in the order in which they are searched, idle chains marked", async () => {
  using host = new Host();
  await host.out("shimrules -A -c remote -p enable -r 1:1024");
  await host.out("shimrules -A -c remote -p enable -n 10.1.2.0/24 -s 1000");
  const [, , note] = await host.run("shimrules -A -c remote -p disable -s 25");
  assert.match(note, /not searched.*default of remote is disable.*-S -c remote -p enable/);
  assert.deepEqual((await host.out("shimrules -L")).split("\n"), [
    "-A -c remote -p enable -r 1:1024               # remote-enable 1",
    "-A -c remote -p enable -n 10.1.2.0/24 -s 1000  # remote-enable 2",
    "-A -c remote -p disable -s 25                  # remote-disable 1, not searched",
  ]);
  const { defaults, chains } = JSON.parse(await host.out("shimrules -L -c remote --json"));
  assert.deepEqual(defaults, { local: "disable", remote: "disable" });
  assert.deepEqual(chains.map(({ name }: { name: string }) => name), [
    "remote-enable",
    "remote-disable",
  ]);
  assert.deepEqual(chains[0].rules[1], {
    number: 2,
    text: "-c remote -p enable -n 10.1.2.0/24 -s 1000",
    protocol: "tcp",
    address: "10.1.2.0",
    prefixLength: 24,
    ports: { low: 1000, high: 1000 },
    hits: null,
  });
});

Deno.test("a rule for UDP is written, listed, explained and deleted with its protocol", async () => {
  using host = new Host();
  await host.out("shimrules -A -c remote -p enable -P udp -s 53");
  await host.out("shimrules -A -c remote -p enable -s 53");
  assert.deepEqual((await host.out("shimrules -L")).split("\n"), [
    "-A -c remote -p enable -P udp -s 53  # remote-enable 1",
    "-A -c remote -p enable -s 53         # remote-enable 2",
  ]);
  const { chains } = JSON.parse(await host.out("shimrules -L -c remote -p enable --json"));
  assert.deepEqual(chains[0].rules.map((rule: { protocol: string }) => rule.protocol), [
    "udp",
    "tcp",
  ]);
  const lines = await host.out("explain 10.1.2.3 53 --protocol udp");
  assert.match(lines, /^remote 10\.1\.2\.3 udp port 53: enabled\n[^]*Rule 1 is the first/);
  await host.out("shimrules -D -c remote -p enable --protocol udp -s 53");
  assert.match(await host.out("explain 10.1.2.3 53 -P udp"), /udp port 53: disabled/);
  assert.match(await host.out("explain 10.1.2.3 53"), /port 53: enabled/);
  const [, , note] = await host.run("shimrules -A -c remote -p disable -P udp -s 53");
  assert.match(note, /not searched: no UDP is carried unless enabled/);
});

Deno.test("a bad command line says what is wrong with it, changes nothing, and exits with 2", async () => {
  using host = new Host();
  const rule = "-A -c remote -p enable";
  const wrong: [line: string, words: RegExp][] = [
    ["-c remote", /no command is given\nAdd one of -A/],
    ["-A -D -c remote -p enable -s 22", /-A and -D do not go together/],
    ["-L -s 22", /-L takes no -s/],
    ["-G -c remote -p enable", /-G takes no -p/],
    ["-F --json", /-F prints nothing, so --json has nothing to do/],
    ["-G", /no chain is named/],
    ["-S -c remote", /no policy is named/],
    ["-A -p enable -s 22", /no chain is named/],
    ["-A -c input -p enable", /"local".*"remote".*"input"/],
    [`${rule} -P icmp`, /"tcp".*"udp".*"icmp"/],
    ["-L -P udp", /-L takes no -P/],
    [`${rule} -s 0`, /port 0 is no port/],
    [`${rule} -r 1024:1`, /reversed: did you mean 1:1024\?/],
    [`${rule} -n 10.1.2.3/24`, /did you mean the network 10\.1\.2\.0\/24, or the host 10\.1\.2\.3/],
    [`${rule} -n 10.1.2.0/255.0.255.0`, /not contiguous/],
    [`${rule} -h 10.1.2.0/24`, /give it to -n/],
    [`${rule} -h 10.1.2.3 -n 10.0.0.0/8`, /not both/],
    [`${rule} -s 22 -r 1:9`, /not both/],
    [`${rule} -s 22 -s 23`, /-s/],
  ];
  for (const [line, words] of wrong) {
    const [code, out, err] = await host.run(`shimrules ${line}`);
    assert.equal(code, 2, `${line}: ${err}`);
    assert.equal(out, "");
    assert.match(err, words);
  }
  await assert.rejects(Deno.stat(host.file), Deno.errors.NotFound);
});

Deno.test("a duplicate and an unknown rule are named, and exit with 1", async () => {
  using host = new Host();
  const rule = "-c remote -p enable -s 22";
  await host.out(`shimrules -A ${rule}`);
  const [again, , duplicate] = await host.run(`shimrules -A ${rule}`);
  assert.equal(again, 1);
  assert.match(duplicate, /is there already: rule 1 of remote-enable/);
  const [gone, , unknown] = await host.run("shimrules -D -c remote -p disable -s 22");
  assert.equal(gone, 1);
  assert.match(unknown, /remote-disable has no rule .*; remote-enable has it/);
});

Deno.test("a damaged file is shown with its fault by every command, and stays as it is", async () => {
  using host = new Host();
  Deno.writeTextFileSync(host.file, "rules = [\n  5,\n]\n");
  const lines = ["shimrules -L", "shimrules -F", "explain ::1 22", "sysctl", "sysctl cache_size=1"];
  for (const line of lines) {
    const [code, , err] = await host.run(line);
    assert.equal(code, 1);
    assert.match(err, /shimkit\.toml has a fault and is left as it is: rule 1 is not a string/);
  }
  assert.equal(Deno.readTextFileSync(host.file), "rules = [\n  5,\n]\n");
});

Deno.test("a file that cannot be reached is named with the reason", async () => {
  using host = new Host();
  Deno.mkdirSync(host.file);
  const [code, , err] = await host.run("shimrules -L");
  assert.equal(code, 1);
  assert.match(err, /^shimkit: cannot read .*shimkit\.toml: .*directory/i);
});

Deno.test("explain names the rule that decides, and what happens", async () => {
  using host = new Host();
  await host.out("shimrules -A -c remote -p enable -r 1:1024");
  await host.out("shimrules -A -c remote -p enable -n 10.1.2.0/24 -s 1000");
  const lines = (await host.out("explain 10.1.2.3 1000")).split("\n");
  assert.equal(lines[0], "remote 10.1.2.3 port 1000: enabled");
  assert.match(lines[2], /^ {2}Rule 1 is the first that matches \(-c remote -p enable -r 1:1024\)/);
  assert.match(
    await host.out("explain -c local 10.1.2.3 80"),
    /^local 10\.1\.2\.3 port 80: disabled/,
  );
  const [{ rule, searched }] = JSON.parse(await host.out("explain 10.1.2.3 1000 --json"));
  assert.equal(searched, "remote-enable");
  assert.equal(rule.number, 1);
});

Deno.test("explain takes names, and says which one has no address", async () => {
  using host = new Host();
  assert.match(
    await host.out("explain localhost 22"),
    /^remote (127\.0\.0\.1|::1) port 22: disabled/,
  );
  // Longer than a name may be (RFC 1035, section 2.3.4), so that no name server is asked.
  const [code, , err] = await host.run(`explain ${"a".repeat(64)} 22`);
  assert.equal(code, 1);
  assert.match(err, /cannot find an address of "a+"/);
});

Deno.test("sysctl shows settings, changes them, and keeps what it has set", async () => {
  using host = new Host();
  const prefix = "net.inet.sctp.shim.";
  assert.equal(await host.out(`sysctl ${prefix}init_rtx_max`), `${prefix}init_rtx_max: 1`);
  assert.equal(await host.out("sysctl path_rtx_max=1"), `${prefix}path_rtx_max: 5 -> 1`);
  assert.equal(await host.out("sysctl path_rtx_max"), `${prefix}path_rtx_max: 1`);
  const changed = await host.out("sysctl log_level=debug default_remote_enable=7");
  assert.deepEqual(changed.split("\n"), [
    `${prefix}log_level: warning -> debug`,
    `${prefix}default_remote_enable: 0 -> 1`,
  ]);
  assert.equal(await host.out("shimrules -G -c remote"), "enable");
  const all = (await host.out("sysctl")).split("\n");
  assert.equal(all.length, 13);
  assert.ok(all.includes(`${prefix}log_level: debug`));
});

Deno.test("sysctl describes settings", async () => {
  using host = new Host();
  const described = await host.out("sysctl -d head_start");
  assert.match(
    described,
    /head_start +250 +0 to 600000 ms; default 250\n {2}How long SCTP .*4\.2\.1/,
  );
  const [setting] = JSON.parse(await host.out("sysctl init_rtx_max=3 --json"));
  assert.equal(setting.name, "net.inet.sctp.shim.init_rtx_max");
  assert.deepEqual([setting.value, setting.default, setting.minimum, setting.maximum], [
    3,
    1,
    0,
    1000,
  ]);
});

Deno.test("a setting that cannot be is refused with its range, and nothing is changed", async () => {
  using host = new Host();
  const [code, , err] = await host.run("sysctl path_rtx_max=1 init_rtx_max=1001");
  assert.equal(code, 2);
  assert.match(err, /init_rtx_max takes 0 to 1000 retransmissions, but not 1001/);
  assert.match((await host.run("sysctl init_max"))[2], /there is no setting "init_max"/);
  assert.match(await host.out("sysctl path_rtx_max"), /: 5$/);
});
