/** Compiles the bench's own C programs. */

const WARNINGS = ["-Wall", "-Wextra", "-Werror"];

/** Compiles `source` into `program`; returns the first complaint of the compiler, if there is one. */
export async function compileC(
  source: string,
  program: string,
  libraries: readonly string[] = [],
): Promise<string | undefined> {
  const args = ["-O2", ...WARNINGS, "-o", program, source, ...libraries];
  try {
    const { success, stderr } = await new Deno.Command("gcc", { args }).output();
    return success ? undefined : new TextDecoder().decode(stderr).split("\n")[0];
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return "there is no gcc";
  }
}
