import type { TextStreamReader } from "livekit-client";
import { describe, expect, it } from "vitest";
import type { TranscriptUpdate } from "../transcript";
import { transcriptionHandler } from "./transcription";

interface Stream {
  id: string;
  from: string;
  pieces: string[];
  attributes: Record<string, string>;
  /** Attributes that come with the end of the stream; an error when the sender vanishes instead. */
  end: Record<string, string> | Error;
}

/** A stream that gives out its pieces and then ends, as LiveKit's reader does. */
function reader({ id, pieces, attributes, end }: Stream): TextStreamReader {
  const info = { id, attributes };
  const fake = {
    info,
    async *[Symbol.asyncIterator]() {
      yield* pieces;
      if (end instanceof Error) throw end;
      info.attributes = { ...attributes, ...end };
    },
  };
  return fake as unknown as TextStreamReader;
}

/** What comes of these streams, one after the other; `ada` is the caller. */
async function received(...streams: Stream[]): Promise<TranscriptUpdate[]> {
  const updates: TranscriptUpdate[] = [];
  const handler = transcriptionHandler(
    (identity) => (identity === "ada" ? "user" : "agent"),
    (update) => updates.push(update),
  );
  for (const stream of streams) await handler(reader(stream), { identity: stream.from });
  return updates;
}

describe("transcription streams", () => {
  it("grow piece by piece, and are final when their end says so", async () => {
    const updates = await received({
      id: "s1",
      from: "agent",
      pieces: ["You are ", "on Pro."],
      attributes: { "lk.segment_id": "SG_1", "lk.transcription_final": "false" },
      end: { "lk.transcription_final": "true" },
    });
    expect(updates.map(({ text, final }) => [text, final])).toEqual([
      ["", false],
      ["You are ", false],
      ["You are on Pro.", false],
      ["You are on Pro.", true],
    ]);
    expect(updates[0]).toMatchObject({ segmentId: "SG_1", speaker: "agent" });
  });

  it("of one utterance are numbered in the order of arrival, and belong to whose name they carry", async () => {
    const guess = { from: "ada", attributes: { "lk.segment_id": "SG_2" }, end: {} };
    const updates = await received(
      { ...guess, id: "s1", pieces: ["what"] },
      { ...guess, id: "s2", pieces: ["What plan?"], end: { "lk.transcription_final": "true" } },
    );
    const last = updates.at(-1);
    expect(updates.filter(({ final }) => final)).toEqual([last]);
    expect(last).toEqual({ segmentId: "SG_2", stream: 2, speaker: "user", text: "What plan?", final: true });
  });

  it("stand as they are when the sender vanishes", async () => {
    const end = new Error("gone");
    const updates = await received({ id: "s1", from: "agent", pieces: ["You are"], attributes: {}, end });
    expect(updates.at(-1)).toMatchObject({ segmentId: "s1", text: "You are", final: true });
  });
});
