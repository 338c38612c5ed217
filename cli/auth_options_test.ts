import assert from "node:assert/strict";
import { parse } from "@optique/core/parser";
import { LISTABLE_CHUNKS } from "../core/sctp/wire/auth_parameters.ts";
import { ChunkType } from "../core/sctp/wire/chunk_type.ts";
import { authenticationOf, authenticationOptions } from "./auth_options.ts";
import { UsageError } from "./command.ts";

const HEX = "00112233445566778899aabbccddeeff";

function parsed(...args: string[]) {
  const result = parse(authenticationOptions, args);
  assert.ok(result.success, `${args.join(" ")} should be understood`);
  return result.value;
}

function faultOf(...args: string[]): string {
  const result = parse(authenticationOptions, args);
  assert.ok(!result.success, `${args.join(" ")} should not be understood`);
  return JSON.stringify(result.error);
}

/** A folder in which keys can be put, with the permissions that are given. */
class Keys implements Disposable {
  readonly #folder = Deno.makeTempDirSync();

  put(name: string, text: string, mode = 0o600): string {
    const path = `${this.#folder}/${name}`;
    Deno.writeTextFileSync(path, text);
    Deno.chmodSync(path, mode);
    return path;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

Deno.test("without options nothing is asked for", async () => {
  assert.equal(await authenticationOf(parsed()), undefined);
});

Deno.test("keys come from their files, the first one first, and everything is authenticated", async () => {
  using keys = new Keys();
  const one = keys.put("one", HEX);
  const two = keys.put("two", `${HEX.slice(0, 16).toUpperCase()}\n ${HEX.slice(16)}ff\n`, 0o400);
  const options = await authenticationOf(
    parsed("--auth-key", `7:${one}`, "--auth-key", `0:${two}`),
  );
  const secret = Uint8Array.from({ length: 16 }, (_, i) => 17 * i);
  assert.deepEqual(options?.keys, [
    { id: 7, secret },
    { id: 0, secret: Uint8Array.of(...secret, 0xff) },
  ]);
  assert.deepEqual(options?.chunks, LISTABLE_CHUNKS);
  assert.equal(options?.nullKeySuffices, false);
});

Deno.test("chunks are named as the RFCs name them", async () => {
  const options = await authenticationOf(parsed("--auth-chunks", "data,Cookie-Echo"));
  assert.deepEqual(options?.chunks, [ChunkType.Data, ChunkType.CookieEcho]);
  assert.deepEqual(options?.keys, []);
  assert.deepEqual(parsed("--auth-chunks", "all").chunks, LISTABLE_CHUNKS);
  assert.match(faultOf("--auth-chunks", "data,init"), /no chunk .*init.*there are.*cookie-echo/);
  assert.match(faultOf("--auth-chunks", "auth"), /no chunk/);
});

Deno.test("a key has an id and a file", () => {
  for (const text of ["key", ":key", "1:", "65536:key", "-1:key", "x:key"]) {
    assert.match(faultOf(`--auth-key=${text}`), /Expected a key id from 0 to 65535 and a file/);
  }
});

Deno.test("two keys with one id are refused", async () => {
  using keys = new Keys();
  const path = keys.put("key", HEX);
  const twice = parsed("--auth-key", `1:${path}`, "--auth-key", `1:${path}`);
  await assert.rejects(authenticationOf(twice), /two keys with id 1/);
});

Deno.test("a key file is closed to others, the user's own, and holds a key", async () => {
  using keys = new Keys();
  const faults: [path: string, message: RegExp, hint: RegExp][] = [
    [keys.put("open", HEX, 0o644), /open to others \(mode 0644\)/, /chmod 600/],
    [keys.put("group", HEX, 0o620), /open to others \(mode 0620\)/, /chmod 600/],
    [keys.put("text", "correct horse battery"), /something else than hexadecimal/, /openssl rand/],
    [keys.put("odd", `${HEX}f`), /something else than hexadecimal/, /openssl rand/],
    [keys.put("short", "00112233"), /has 4 bytes: 16 are the least/, /openssl rand/],
    [keys.put("empty", ""), /has 0 bytes/, /openssl rand/],
    ["/nowhere/key", /there is no key file \/nowhere\/key/, /openssl rand/],
    ["/", /is no file/, /openssl rand/],
  ];
  for (const [path, message, hint] of faults) {
    const fault = await authenticationOf(parsed("--auth-key", `1:${path}`)).catch((error) => error);
    assert.ok(fault instanceof UsageError, `${path}: ${fault}`);
    assert.match(fault.message, message);
    assert.match(fault.hint ?? "", hint);
  }
});
