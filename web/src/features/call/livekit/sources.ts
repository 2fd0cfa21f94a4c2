/** Reads which documents an answer rests on from the text streams of a room, as the contract has them. */
import type { TextStreamHandler } from "livekit-client";
import type { Source } from "../transcript";

/** The topic that documents come under. */
export const SOURCES_TOPIC = "insta.sources";

/** Makes the handler of that topic. What is not from the assistant or not as it must be is nobody's source. */
export function sourcesHandler(
  isAgent: (identity: string) => boolean,
  onSources: (sources: readonly Source[]) => void,
): TextStreamHandler {
  return async (reader, { identity }) => {
    const text = await reader.readAll().catch(() => "");
    const sources = isAgent(identity) ? parsed(text) : [];
    if (sources.length > 0) onSources(sources);
  };
}

function parsed(text: string): readonly Source[] {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return [];
  }
  const sources = field(message, "sources");
  if (!Array.isArray(sources)) return [];
  return sources.flatMap((source: unknown) => {
    const documentId = field(source, "document_id");
    const title = field(source, "title");
    return typeof documentId === "string" && typeof title === "string" ? [{ documentId, title }] : [];
  });
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && name in value
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
