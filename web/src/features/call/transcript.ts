/**
 * The live transcript: pieces come in as text streams, several to an utterance, and are merged into lines.
 */

/** Who speaks. */
export type Speaker = "user" | "agent";

/** What one text stream says of one utterance so far. */
export interface TranscriptUpdate {
  /** Names the utterance. */
  segmentId: string;
  /** Place of the stream in the order of arrival: a later stream of the same utterance replaces an earlier one. */
  stream: number;
  speaker: Speaker;
  /** All that the stream has said so far. */
  text: string;
  /** Whether the text will not change any more. */
  final: boolean;
}

/** A document that an answer rests on. */
export interface Source {
  documentId: string;
  title: string;
}

/** One utterance. An empty one holds the place of words that are still being recognised. */
export interface TranscriptLine extends TranscriptUpdate {
  /** What it rests on, as far as the assistant has said; best first. */
  sources?: readonly Source[];
}

/** The most lines kept; older ones are on record with the call. */
const MAX_LINES = 500;

/** Takes an update in. Lines stand in the order in which their utterances began to arrive. */
export function mergeTranscript(
  lines: readonly TranscriptLine[],
  update: TranscriptLine,
): readonly TranscriptLine[] {
  const index = lines.findIndex((line) => line.segmentId === update.segmentId);
  const known = lines[index];
  if (!known) return [...lines, update].slice(-MAX_LINES);
  const outdated = update.stream < known.stream || (known.final && !update.final);
  return outdated ? lines : lines.with(index, { ...known, ...update });
}

/** Adds sources to those that wait for the answer that they belong to, each document once. */
export function mergeSources(waiting: readonly Source[], sources: readonly Source[]): readonly Source[] {
  const isNew = ({ documentId }: Source) => !waiting.some((known) => known.documentId === documentId);
  return [...waiting, ...sources.filter(isNew)];
}

/** The lines that have something to show. */
export function visibleLines(lines: readonly TranscriptLine[]): readonly TranscriptLine[] {
  return lines.filter((line) => line.text.trim() !== "" || (line.speaker === "user" && !line.final));
}
