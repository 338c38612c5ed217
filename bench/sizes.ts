/** Sizes of messages in words. */

/** `64 B`, `1 KiB`. */
export function describeSize(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KiB`;
}
