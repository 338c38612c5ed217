/** The TCP server of the demonstration: plain HTTP, one file, at a steady rate. */

/** What {@link serveFile} prints once it can be reached, with its port. */
export const SERVING = /^serving on port (\d+)$/;

/**
 * Serves the file once; ends when standard input does. The file is open from the start, so that its
 * name may be removed.
 * @param rate bytes a second, so that a transfer lasts long enough to be watched.
 */
export async function serveFile(path: string, rate: number, print: (line: string) => void) {
  const file = await Deno.open(path);
  const { size } = await file.stat();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => print(`serving on port ${port}`),
  }, () => {
    const body = file.readable.pipeThrough(pacer(rate));
    return new Response(body, { headers: { "content-length": String(size) } });
  });
  await Deno.stdin.readable.pipeTo(new WritableStream());
  await server.shutdown();
}

/** Lets bytes pass as fast as `rate` allows, counted from the first; time lost may be made up for. */
function pacer(rate: number): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  const start = performance.now();
  let passed = 0;
  return new TransformStream({
    async transform(chunk, controller) {
      const early = start + passed / rate * 1000 - performance.now();
      if (early > 1) await new Promise((resolve) => setTimeout(resolve, early));
      passed += chunk.length;
      controller.enqueue(chunk);
    },
  });
}
