import { describe, expect, it } from "vitest";
import { mergeTranscript, type TranscriptLine, type TranscriptUpdate, visibleLines } from "./transcript";

const says = (
  speaker: TranscriptUpdate["speaker"],
  segmentId: string,
  stream: number,
  text: string,
  final = false,
): TranscriptUpdate => ({ speaker, segmentId, stream, text, final });

/** `you: …` and `it: …`, with a star for what is final. */
function shown(updates: TranscriptUpdate[]): string[] {
  const lines = updates.reduce<readonly TranscriptLine[]>(mergeTranscript, []);
  return visibleLines(lines).map(
    ({ speaker, text, final }) => `${speaker === "user" ? "you" : "it"}: ${text}${final ? "*" : ""}`,
  );
}

describe("transcript", () => {
  it.each<[string, TranscriptUpdate[], string[]]>([
    ["nothing said", [], []],
    [
      "an agent's words grow within one stream",
      [says("agent", "a", 1, "Hel"), says("agent", "a", 1, "Hello"), says("agent", "a", 1, "Hello", true)],
      ["it: Hello*"],
    ],
    [
      "a better guess of the caller's words replaces the one before",
      [says("user", "u", 1, "what pan"), says("user", "u", 2, "What plan am I on?", true)],
      ["you: What plan am I on?*"],
    ],
    [
      "an older stream that ends late changes nothing",
      [says("user", "u", 1, "what"), says("user", "u", 2, "what plan"), says("user", "u", 1, "what")],
      ["you: what plan"],
    ],
    ["a final text stays", [says("user", "u", 1, "Yes.", true), says("user", "u", 2, "")], ["you: Yes.*"]],
    [
      "a line keeps the place where its utterance began",
      [
        says("user", "u", 1, ""),
        says("agent", "a", 2, "You are"),
        says("user", "u", 3, "What plan?", true),
        says("agent", "a", 2, "You are on Pro.", true),
      ],
      ["you: What plan?*", "it: You are on Pro.*"],
    ],
    ["words still being recognised hold their place", [says("user", "u", 1, "")], ["you: "]],
    ["a cough leaves no line", [says("user", "u", 1, ""), says("user", "u", 2, " ", true)], []],
    ["an agent that has not begun has no line", [says("agent", "a", 1, "")], []],
  ])("%s", (_name, updates, expected) => {
    expect(shown(updates)).toEqual(expected);
  });

  it("keeps a bounded number of lines", () => {
    const many = Array.from({ length: 600 }, (_, index) =>
      says("agent", `a${index}`, index, `${index}`, true),
    );
    const lines = shown(many);
    expect(lines).toHaveLength(500);
    expect(lines.at(-1)).toBe("it: 599*");
  });
});
