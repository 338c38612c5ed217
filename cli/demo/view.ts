/** What the demonstration shows while it runs: redrawn on a terminal, a line a second elsewhere. */
import type { PathInfo } from "../../core/socket/info.ts";
import type { ConnectionStatus } from "../../core/shim/status.ts";
import type { CommandIo } from "../io.ts";
import { formatBytes, formatPath } from "../shimd_status.ts";
import type { Progress } from "./progress.ts";

/** One moment. */
export interface Moment {
  readonly progress: Progress;
  readonly size: number;
  /** The sending side's view. */
  readonly connection: ConnectionStatus | undefined;
  /** The path that has been cut, if one has. */
  readonly cut: number | undefined;
}

/** Milliseconds between two pictures. */
const REDRAW_EVERY = 100;
const LINE_EVERY = 1000;

const BAR = 40;

export class View {
  readonly #io: CommandIo;
  readonly #look: () => Moment;
  readonly #timer: ReturnType<typeof setInterval>;
  #drawn = 0;

  /** Starts to show what `look` sees, until {@link close}. */
  constructor(io: CommandIo, look: () => Moment) {
    this.#io = io;
    this.#look = look;
    this.#timer = setInterval(() => this.#show(), io.interactive ? REDRAW_EVERY : LINE_EVERY);
  }

  /** Shows the last moment and stops. */
  close(): void {
    clearInterval(this.#timer);
    this.#show();
  }

  #show(): void {
    const moment = this.#look();
    if (!this.#io.interactive) return this.#io.print(momentLine(moment));
    const lines = picture(moment);
    // Moves up to where the last picture began, and clears from there.
    const back = this.#drawn > 0 ? `\x1b[${this.#drawn}A\x1b[J` : "";
    this.#io.print(back + lines.join("\n"));
    this.#drawn = lines.length;
  }
}

/** A moment in several lines. */
export function picture(moment: Moment): string[] {
  const { progress, size, connection, cut } = moment;
  const share = size === 0 ? 1 : progress.bytes / size;
  const done = Math.floor(share * BAR);
  return [
    `  [${"#".repeat(done)}${"-".repeat(BAR - done)}] ${summary(moment)}`,
    `  association ${connection?.association?.state ?? "not set up yet"}`,
    ...paths(connection).map((path, index) =>
      `  ${index + 1} ${formatPath(path)}${index === cut ? "  CUT" : ""}`
    ),
  ];
}

/** A moment in one line. */
export function momentLine(moment: Moment): string {
  const each = paths(moment.connection).map((path, index) => {
    const { status, srtt, cwnd, metrics } = path;
    const rtt = srtt === undefined ? "?" : `${srtt.toFixed(1)} ms`;
    const cut = index === moment.cut ? " (cut)" : "";
    return `path ${index + 1}${cut} ${status}, rtt ${rtt}, cwnd ${formatBytes(cwnd)}, ` +
      `sent ${formatBytes(metrics.bytesSent)}`;
  });
  return [`  ${summary(moment)}`, ...each].join(" | ");
}

function summary({ progress, size }: Moment): string {
  const rate = progress.elapsed > 0 ? progress.bytes / progress.elapsed * 1000 : 0;
  return `${(progress.elapsed / 1000).toFixed(1)} s, ${formatBytes(progress.bytes)} of ` +
    `${formatBytes(size)}, ${formatBytes(Math.round(rate))}/s, longest gap ` +
    `${progress.longestGap.toFixed(0)} ms`;
}

function paths(connection: ConnectionStatus | undefined): readonly PathInfo[] {
  return connection?.association?.paths ?? [];
}
