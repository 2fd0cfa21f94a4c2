/** Times and durations as people read them, in the language of the browser. */
import { type Duration, type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";

/** `1:05`, or `1:02:05` from an hour on. */
export function clock(milliseconds: number): string {
  const total = Math.max(0, Math.floor(milliseconds / 1_000));
  const [hours, minutes, seconds] = [Math.floor(total / 3_600), Math.floor(total / 60) % 60, total % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** `340 ms`, or `1.2 s` from a second on. */
export function shortDuration(duration: Duration): string {
  const milliseconds = durationMs(duration);
  return milliseconds < 1_000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1_000).toFixed(1)} s`;
}

/** The duration in milliseconds. */
export function durationMs(duration: Duration): number {
  return Number(duration.seconds) * 1_000 + duration.nanos / 1_000_000;
}

/** Date and time of day. */
export function dateTime(time: Timestamp): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(
    timestampDate(time),
  );
}

/** The date alone. */
export function date(time: Timestamp): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium" }).format(timestampDate(time));
}
