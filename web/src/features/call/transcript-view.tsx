import { useEffect, useRef } from "react";
import { type TranscriptLine, visibleLines } from "./transcript";

interface TranscriptProps {
  lines: readonly TranscriptLine[];
  /** Whether more is to come. */
  live: boolean;
}

/** What both sides say. Follows the newest line unless the reader has scrolled away from it. */
export function Transcript({ lines, live }: TranscriptProps) {
  const visible = visibleLines(lines);
  const box = useFollowEnd(visible);
  if (visible.length === 0) {
    return live ? <p className="transcript-empty">What you and the assistant say appears here.</p> : null;
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard.
    <div className="transcript" ref={box} tabIndex={0} role="log" aria-label="Transcript" aria-live="polite">
      <ol>
        {visible.map((line) => (
          <Line key={lineKey(line)} line={line} />
        ))}
      </ol>
    </div>
  );
}

/** A line enters the live region anew when it is finished, so that it is read out once, as a whole. */
function lineKey({ segmentId, final }: TranscriptLine): string {
  return final ? segmentId : `${segmentId} unfinished`;
}

function Line({ line: { speaker, text, final, segmentId, sources } }: { line: TranscriptLine }) {
  return (
    <li
      className={`line line-${speaker}`}
      aria-hidden={!final}
      data-speaker={speaker}
      data-final={final}
      data-segment-id={segmentId}
    >
      <span className="line-speaker">{speaker === "user" ? "You" : "Assistant"}</span>
      <span className="line-text">{text.trim() || "…"}</span>
      {sources && (
        <ul className="sources" aria-label="Sources">
          {sources.map(({ documentId, title }) => (
            <li key={documentId} data-source={documentId}>
              {title}
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

/** How far from the end still counts as reading along, in pixels. */
const NEAR_END_PX = 48;

function useFollowEnd(lines: readonly TranscriptLine[]) {
  const box = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const present = lines.length > 0;
  useEffect(() => {
    const element = box.current;
    if (!present || !element) return;
    const note = () => {
      following.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END_PX;
    };
    element.addEventListener("scroll", note, { passive: true });
    return () => element.removeEventListener("scroll", note);
  }, [present]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each change of the lines may make the box longer.
  useEffect(() => {
    const element = box.current;
    if (element && following.current) element.scrollTop = element.scrollHeight;
  }, [lines]);
  return box;
}
