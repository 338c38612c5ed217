import assert from "node:assert/strict";
import { type ChangeData, readChange } from "../../rules/change_data.ts";
import { type Change, Configuration } from "../../rules/configuration.ts";
import { Fault } from "../../rules/fault.ts";
import { formatFile } from "../../rules/file_format.ts";
import { ConfigurationFile } from "../../rules/persist.ts";
import { LiveConfiguration } from "./live_configuration.ts";

/** A data plane's configuration, and how it was changed. */
class FakePlane {
  readonly configuration = new Configuration();
  changes: ChangeData[] = [];

  change(changes: readonly ChangeData[]): Promise<readonly string[]> {
    this.changes.push(...changes);
    return Promise.resolve(changes.flatMap((data) => {
      const change = readChange(data);
      const fault = change instanceof Fault ? change : this.configuration.apply(change);
      return fault ? [fault.message] : [];
    }));
  }
}

/** A file and a plane that start with nothing. */
class Scene implements Disposable {
  readonly #folder = Deno.makeTempDirSync();
  readonly file = new ConfigurationFile(`${this.#folder}/rules.toml`);
  readonly plane = new FakePlane();
  readonly levels: number[] = [];
  readonly live = new LiveConfiguration(
    this.file,
    this.plane,
    new Configuration(),
    ({ logLevel }) => this.levels.push(logLevel),
  );

  get text(): string {
    return Deno.readTextFileSync(this.file.path);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

function change(data: ChangeData): Change {
  const read = readChange(data);
  assert.ok(!(read instanceof Fault));
  return read;
}

const SSH: ChangeData = { kind: "add", rule: "-c remote -p enable -s 22" };
const WEB: ChangeData = { kind: "add", rule: "-c remote -p enable -s 80" };
const DEBUG: ChangeData = { kind: "set", name: "net.inet.sctp.shim.log_level", value: "debug" };

Deno.test("a change is on disk and in the plane, and whoever listens hears the settings", async () => {
  using scene = new Scene();
  assert.equal(await scene.live.change(change(SSH)), undefined);
  assert.equal(await scene.live.change(change(DEBUG)), undefined);
  assert.deepEqual(scene.plane.changes, [SSH, DEBUG]);
  assert.equal(scene.text, formatFile(scene.plane.configuration));
  assert.deepEqual(scene.levels, [2, 4]);
});

Deno.test("a change that does not fit is made nowhere", async () => {
  using scene = new Scene();
  await scene.live.change(change(SSH));
  const fault = await scene.live.change(change(SSH));
  assert.equal(fault?.code, "duplicate-rule");
  assert.deepEqual(scene.plane.changes, [SSH]);
});

Deno.test("changes at the same time are made one after the other", async () => {
  using scene = new Scene();
  const ports = Array.from({ length: 20 }, (_, index) => index + 1);
  await Promise.all(
    ports.map((port) =>
      scene.live.change(change({ kind: "add", rule: `-c local -p enable -s ${port}` }))
    ),
  );
  assert.equal(scene.plane.changes.length, 20);
  assert.equal(scene.text, formatFile(scene.plane.configuration));
});

Deno.test("what was edited by hand is taken over by the next change, and by a reload", async () => {
  using scene = new Scene();
  await scene.live.change(change(SSH));
  const elsewhere = new ConfigurationFile(scene.file.path);
  await elsewhere.change(change(DEBUG));
  await scene.live.change(change(WEB));
  assert.equal(formatFile(scene.plane.configuration), scene.text);
  assert.equal(scene.plane.configuration.settings.logLevel, 4);
  await elsewhere.change(change({ kind: "flush" }));
  await scene.live.reload();
  assert.equal(formatFile(scene.plane.configuration), scene.text);
  scene.plane.changes = [];
  await scene.live.reload();
  assert.deepEqual(scene.plane.changes, []);
});

Deno.test("a damaged file stays as it is, and so does the plane", async () => {
  using scene = new Scene();
  await scene.live.change(change(SSH));
  Deno.writeTextFileSync(scene.file.path, "rules = [");
  assert.equal((await scene.live.change(change(WEB)))?.code, "bad-toml");
  assert.equal((await scene.live.reload())?.code, "bad-toml");
  assert.equal(scene.text, "rules = [");
  assert.deepEqual(scene.plane.changes, [SSH]);
});
