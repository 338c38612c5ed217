/** Finds a path of an association by its addresses. */
import type { Association } from "../sctp/association.ts";
import type { Path } from "../sctp/path/path.ts";

/**
 * @param remote the peer's address.
 * @param local this side's address; by default any that has a path to the peer's.
 * @throws RangeError if there is no such path.
 */
export function findPath({ paths }: Association, remote: string, local?: string): Path {
  const path = paths.find((path) =>
    path.remote.text === remote && (local === undefined || path.local.text === local)
  );
  if (path) return path;
  const known = paths.map((path) => `${path.local} to ${path.remote}`).join(", ");
  throw new RangeError(
    `there is no path to ${remote}${local ? ` from ${local}` : ""}; there are ${known}`,
  );
}
