/** Reads transcripts from the text streams of a room, as LiveKit's agents send them. */
import type { TextStreamHandler } from "livekit-client";
import type { Speaker, TranscriptUpdate } from "../transcript";

/** The topic that transcripts come under. */
export const TRANSCRIPTION_TOPIC = "lk.transcription";
const SEGMENT_ID = "lk.segment_id";
const FINAL = "lk.transcription_final";

/**
 * Makes the handler of that topic. An agent's words come in pieces of one stream, which says at its end that it is
 * final; the caller's come as a whole stream for each better guess, sent in the caller's name.
 */
export function transcriptionHandler(
  speakerOf: (identity: string) => Speaker,
  onUpdate: (update: TranscriptUpdate) => void,
): TextStreamHandler {
  let arrived = 0;
  return async (reader, { identity }) => {
    arrived += 1;
    const stream = arrived;
    const segmentId = reader.info.attributes?.[SEGMENT_ID] ?? reader.info.id;
    const speaker = speakerOf(identity);
    let text = "";
    const update = (final: boolean) => onUpdate({ segmentId, stream, speaker, text, final });
    update(false);
    try {
      for await (const piece of reader) {
        text += piece;
        update(false);
      }
      // The attributes of the stream's end have been merged in by now.
      update(reader.info.attributes?.[FINAL] === "true");
    } catch {
      // The sender is gone; what was said until then stands.
      update(true);
    }
  };
}
