/**
 * How connections between a legacy application and a program that speaks SCTP itself end: what
 * docs/native-peers.md promises. SCTP has no half-close, yet nothing that was sent is lost.
 */
import assert from "node:assert/strict";
import { KERNEL_SCTP, type NativeProcess, USRSCTP } from "./lab/native_hosts.ts";
import { nativeTest, type Scene } from "./testing/native_scene.ts";
import { fileSize, hashFile, writePayload } from "./lab/payload.ts";
import { type LabProcess, until } from "./lab/process.ts";

const PORT = 7;
/** Files of these sizes, in bytes: one that all buffers on the way hold, though TCP's alone do not, and one that they do not hold. */
const SIZES = { medium: 1_000_000, large: 20_000_000 } as const;

/** Both programs. */
interface Ends {
  readonly legacy: LabProcess;
  readonly native: NativeProcess;
}

/** What both programs do, as the head of c/steps.c says; "@NAME" is a file of the lab. */
type Steps = Readonly<Record<keyof Ends, string>>;

/** Splits steps into words, with files as the host that does them names them. */
function wordsOf(steps: string, path: (name: string) => string): readonly string[] {
  return steps.split(" ").map((word) => word.startsWith("@") ? path(word.slice(1)) : word);
}

/** The scene's programs, with files to exchange. */
class Exchange {
  readonly #scene: Scene;
  readonly #hashes = new Map<string, string>();

  private constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** Writes the files "medium" and "large". */
  static async prepare(scene: Scene): Promise<Exchange> {
    const exchange = new Exchange(scene);
    await Deno.remove(scene.lab.path("go")).catch(() => {});
    for (const [name, size] of Object.entries(SIZES)) {
      exchange.#hashes.set(name, await writePayload(scene.lab.path(name), size, size));
    }
    return exchange;
  }

  /** A legacy client connects to a native server. */
  async legacyCalls(steps: Steps): Promise<Ends> {
    const native = await this.#native(`listen ${PORT} ${steps.native}`);
    await native.line(/^listening$/);
    await this.#scene.startShim("--intercept", `-c remote -p enable -s ${PORT}`);
    const [server] = this.#scene.addresses("native", 4);
    return { legacy: await this.#legacy(`connect ${server} ${PORT} ${steps.legacy}`), native };
  }

  /** A native client connects to a legacy server. */
  async nativeCalls(steps: Steps): Promise<Ends> {
    const legacy = await this.#legacy(`listen ${PORT} ${steps.legacy}`);
    await legacy.line(/^listening$/);
    await this.#scene.startShim("--serve-listeners", `-c local -p enable -s ${PORT}`);
    const [server] = this.#scene.addresses("legacy", 4);
    return { legacy, native: await this.#native(`connect ${server} ${PORT} ${steps.native}`) };
  }

  /** Lets a program go on that awaits "@go". */
  async go(): Promise<void> {
    await Deno.writeTextFile(this.#scene.lab.path("go"), "");
  }

  /** Waits until the association is over, whoever still has to read. */
  async associationEnds(): Promise<void> {
    await until("the association is over", async () => {
      const { connections, ended } = await this.#scene.status();
      const [connection] = [...connections, ...ended];
      return connection?.association?.state === "CLOSED";
    });
  }

  /** Bytes that the association has taken of the legacy application. */
  async bytesOut(): Promise<number> {
    const { connections, ended } = await this.#scene.status();
    return [...connections, ...ended][0].bytesOut;
  }

  /** Asserts that a file has arrived whole as another one. */
  async assertSame(sent: keyof typeof SIZES, received: string): Promise<void> {
    const hash = await hashFile(this.#scene.lab.path(received));
    assert.equal(hash, this.#hashes.get(sent), `${received} is ${sent}`);
  }

  /** Asserts that this many bytes of a file have arrived as another one, from its start on. */
  async assertBegins(sent: keyof typeof SIZES, received: string, size: number): Promise<void> {
    assert.equal(await fileSize(this.#scene.lab.path(received)), size);
    const [whole, part] = await Promise.all(
      [sent, received].map((name) => Deno.readFile(this.#scene.lab.path(name))),
    );
    assert.ok(whole.subarray(0, size).every((byte, index) => byte === part[index]), received);
  }

  #native(steps: string): Promise<NativeProcess> {
    return this.#scene.startNative("steps", ...wordsOf(steps, this.#scene.host.path));
  }

  #legacy(steps: string): Promise<LabProcess> {
    const path = (name: string) => this.#scene.lab.path(name);
    return this.#scene.startLegacy(...wordsOf(steps, path));
  }
}

/** Waits for both programs, and gives what each said. */
async function finished({ legacy, native }: Ends): Promise<Readonly<Record<keyof Ends, string>>> {
  await legacy.succeeded();
  assert.equal(await native.exitStatus(), 0, native.lines.join("\n"));
  return { legacy: legacy.lines.join("\n"), native: native.lines.join("\n") };
}

/** The number in a line such as "sent 4096 EPIPE". */
function numberIn(said: string, pattern: RegExp): number {
  const found = pattern.exec(said);
  assert.ok(found, `no ${pattern} in:\n${said}`);
  return Number(found[1]);
}

for (const [stack, carrier] of [[USRSCTP, "UDP"], [KERNEL_SCTP, "raw IP"]] as const) {
  const test = (name: string, body: (exchange: Exchange) => Promise<void>) =>
    nativeTest(stack, carrier, name, async (scene) => await body(await Exchange.prepare(scene)));

  test("an application half-closes: all arrives, but its server cannot answer", async (exchange) => {
    const ends = await exchange.legacyCalls({
      legacy: "send @large shutdown receive @answer 0 close",
      native: "send @medium receive @question 0 send @medium close",
    });
    const { legacy, native } = await finished(ends);
    await exchange.assertSame("large", "question");
    await exchange.assertSame("medium", "answer");
    assert.match(native, new RegExp(`^received ${SIZES.large} end$`, "m"));
    assert.match(native, /^sent 0 E/m);
    assert.match(legacy, new RegExp(`^received ${SIZES.medium} end$`, "m"));
  });

  test("its server closes first: the application reads all, however late", async (exchange) => {
    const ends = await exchange.legacyCalls({
      legacy: "await @go receive @answer 0 send @large close",
      native: "send @medium close",
    });
    await ends.native.line(/^closed$/);
    await exchange.associationEnds();
    await exchange.go();
    const { legacy } = await finished(ends);
    await exchange.assertSame("medium", "answer");
    assert.match(legacy, /^sent \d+ (EPIPE|ECONNRESET)$/m);
  });

  test("its server shuts down while the application sends: both have what was taken", async (exchange) => {
    const ends = await exchange.legacyCalls({
      legacy: "send @large receive @answer 0 close",
      native: "receive @first 100000 send @medium shutdown receive @rest 0 close",
    });
    const { native } = await finished(ends);
    await exchange.assertSame("medium", "answer");
    const rest = numberIn(native, /^received (\d+) (?:end|ENOTCONN)$/m);
    assert.equal(100_000 + rest, await exchange.bytesOut());
  });

  test("its client half-closes: all arrives, but the application cannot answer", async (exchange) => {
    const ends = await exchange.nativeCalls({
      legacy: "send @medium receive @question 0 send @large close",
      native: `receive @answer ${SIZES.medium} send @large shutdown receive @more 0 close`,
    });
    const { legacy, native } = await finished(ends);
    await exchange.assertSame("large", "question");
    await exchange.assertSame("medium", "answer");
    assert.match(legacy, new RegExp(`^received ${SIZES.large} end$`, "m"));
    assert.match(legacy, /^sent \d+ (EPIPE|ECONNRESET)$/m);
    assert.match(native, /^received 0 (end|ENOTCONN)$/m);
  });

  test("the application closes first: its client reads all, however late", async (exchange) => {
    const ends = await exchange.nativeCalls({
      legacy: "send @medium close",
      native: "await @go receive @answer 0 send @medium close",
    });
    await ends.legacy.line(/^closed$/);
    await exchange.go();
    const { native } = await finished(ends);
    await exchange.assertSame("medium", "answer");
    assert.match(native, /^sent 0 E/m);
  });

  test("the application half-closes while its client sends: it has what was taken", async (exchange) => {
    const ends = await exchange.nativeCalls({
      legacy: "send @medium shutdown receive @question 0 close",
      native: `receive @answer ${SIZES.medium} send @large receive @more 0 close`,
    });
    const { legacy, native } = await finished(ends);
    await exchange.assertSame("medium", "answer");
    const taken = numberIn(native, /^sent (\d+) E/m);
    await exchange.assertBegins("large", "question", taken);
    assert.match(legacy, new RegExp(`^received ${taken} end$`, "m"));
  });
}
