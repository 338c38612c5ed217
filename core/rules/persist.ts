/** The file of rules and settings: replaced as a whole, so that a reader or a crash never meets half. */
import { basename, dirname, join } from "node:path";
import { type Change, Configuration } from "./configuration.ts";
import { Fault } from "./fault.ts";
import { formatFile, parseFile } from "./file_format.ts";

/** Only the owner may read what is carried over SCTP and what is not. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o755;

/** Rules and settings on disk. I/O errors are thrown as Deno has them. */
export class ConfigurationFile {
  constructor(readonly path: string) {}

  /** What the file says; defaults where there is none, a fault where it cannot be understood. */
  async load(): Promise<Configuration | Fault> {
    const text = await textOf(this.path);
    if (text === undefined) return new Configuration();
    const content = parseFile(text);
    return content instanceof Fault
      ? content.at(`${this.path} has a fault and is left as it is`)
      : content;
  }

  /**
   * Makes a change on disk and returns what the file says then. A damaged file, or one that the
   * change does not fit, stays as it is. Two processes that change the file wait for each other.
   */
  async change(change: Change): Promise<Configuration | Fault> {
    await Deno.mkdir(dirname(this.path), { recursive: true, mode: FOLDER_MODE });
    using folder = await Deno.open(dirname(this.path));
    await folder.lock(true);
    const content = await this.load();
    if (content instanceof Fault) return content;
    const fault = content.apply(change);
    if (fault) return fault;
    const target = await targetOf(this.path);
    await Deno.rename(await writeTemporary(target, formatFile(content)), target);
    await folder.sync();
    return content;
  }
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Where a link leads to, so that it is not the link that is replaced. */
async function targetOf(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return path;
    throw error;
  }
}

/**
 * Writes a text beside `target`, safely on disk, and returns the path: the first half of a
 * replacement, after which `target` still is what it was.
 */
export async function writeTemporary(target: string, text: string): Promise<string> {
  const path = join(dirname(target), `.${basename(target)}.new`);
  await removeIfThere(path);
  using file = await Deno.open(path, { write: true, createNew: true, mode: FILE_MODE });
  try {
    await writeAll(file, new TextEncoder().encode(text));
    await file.sync();
  } catch (error) {
    await removeIfThere(path);
    throw error;
  }
  return path;
}

/** What a crash has left, or a link that somebody has put there. */
async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}
