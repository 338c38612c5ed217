/** A page of pictures for a browser, with a script that looks at every pixel of them. */
import { crc32, deflateSync } from "node:zlib";

/** Pixels of a row, and rows. */
const WIDTH = 320;
const HEIGHT = 160;

/** Some pictures, and what the script of {@link pageOf} finds if they arrive as they are. */
export interface Album {
  /** PNG files, 154 kB each. */
  readonly pictures: readonly Uint8Array[];
  readonly findings: string;
}

/** Makes pictures of random colours, the same each time. */
export function makeAlbum(count: number): Album {
  const made = Array.from({ length: count }, (_, index) => makePicture(index));
  return {
    pictures: made.map(({ png }) => png),
    findings: made.map(({ sum }) => sum).join(" "),
  };
}

/** A page with these pictures: it says of each the sum over its pixels once all are loaded, or "broken". */
export function pageOf(names: readonly string[]): string {
  const images = names.map((name) => `<img src="${name}">`).join("\n");
  return `<!doctype html>
${images}
<p id="findings"></p>
<script>
function pixelSum(context, image) {
  context.drawImage(image, 0, 0);
  let sum = 0;
  for (const value of context.getImageData(0, 0, ${WIDTH}, ${HEIGHT}).data) {
    sum = Math.imul(sum, 31) + value | 0;
  }
  return sum;
}
onload = () => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [${WIDTH}, ${HEIGHT}];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  findings.textContent = Array.from(document.images, (image) =>
    image.complete && image.naturalWidth > 0 ? pixelSum(context, image) : "broken"
  ).join(" ");
};
</script>
`;
}

/** What the script has found, in the page as the browser has it in the end. */
export function findingsIn(page: string): string | undefined {
  return /<p id="findings">([^<]*)</.exec(page)?.[1];
}

/** A picture, and the sum over red, green, blue and opacity of each pixel. */
function makePicture(seed: number): { png: Uint8Array; sum: number } {
  const rows = new Uint8Array(HEIGHT * (1 + WIDTH * 3));
  let [state, sum] = [Math.imul(seed + 1, 2_654_435_761), 0];
  for (let row = 0, at = 0; row < HEIGHT; row++) {
    rows[at++] = 0;
    for (let column = 0; column < WIDTH; column++) {
      state = Math.imul(state, 1_664_525) + 1_013_904_223 | 0;
      for (const value of [state >>> 24, state >>> 16 & 255, state >>> 8 & 255]) {
        rows[at++] = value;
        sum = Math.imul(sum, 31) + value | 0;
      }
      sum = Math.imul(sum, 31) + 255 | 0;
    }
  }
  return { png: pngOf(rows), sum };
}

/** PNG (RFC 2083) of 8-bit RGB, each row behind its filter type. */
function pngOf(rows: Uint8Array): Uint8Array {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, WIDTH);
  view.setUint32(4, HEIGHT);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  return Uint8Array.from([
    ...signature,
    ...chunk("IHDR", header),
    ...chunk("IDAT", deflateSync(rows, { level: 0 })),
    ...chunk("IEND", new Uint8Array(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}
