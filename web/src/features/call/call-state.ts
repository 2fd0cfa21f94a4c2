/** Where a call stands on this page, and how each event moves it. No I/O, no clock. */
import type { AgentState, CallRoom, CloseCause, RoomEvent } from "./call-room";
import {
  mergeSources,
  mergeTranscript,
  type Source,
  type TranscriptLine,
  type TranscriptUpdate,
} from "./transcript";

/** Why a call that was going on is over, as far as the page knows. */
export type EndCause = CloseCause | "agentLost";

/** A call that is going on. */
export interface LiveCall {
  kind: "live";
  callId: string;
  room: CallRoom;
  /** When the room was joined, in milliseconds of the page's clock. */
  startedAt: number;
  agent: AgentState;
  /** Whether the assistant was ready at any time. */
  answered: boolean;
  connection: "connected" | "reconnecting";
  muted: boolean;
  /** Whether the assistant hears only what is said while a button is held. */
  pushToTalk: boolean;
  /** Whether it is held. */
  talking: boolean;
  /** Why the last turn by the button came to nothing. */
  turnProblem: unknown;
  soundBlocked: boolean;
  microphoneWorking: boolean;
  lines: readonly TranscriptLine[];
  /** Sources of an answer that has not begun. */
  sources: readonly Source[];
}

/** Where a call stands. */
export type CallState =
  | { kind: "idle" }
  | { kind: "starting"; step: "microphone" | "calling" | "joining" }
  | LiveCall
  | {
      kind: "ended";
      callId: string;
      cause: EndCause;
      durationMs: number;
      lines: readonly TranscriptLine[];
    }
  | { kind: "failed"; error: unknown };

/** Whether the assistant can be talked to. */
export function isReady(agent: AgentState): boolean {
  return agent === "listening" || agent === "thinking" || agent === "speaking";
}

/** Whether the button to talk can be used. */
export function canTalk({ pushToTalk, agent, connection }: LiveCall): boolean {
  return pushToTalk && isReady(agent) && connection === "connected";
}

/** Moves a call on by what happened in its room at `now`. Only live calls move. */
export function onRoomEvent(call: LiveCall, event: RoomEvent, now: number): CallState {
  switch (event.kind) {
    case "agent":
      return { ...call, agent: event.state, answered: call.answered || isReady(event.state) };
    case "pushToTalk":
      return { ...call, pushToTalk: event.on };
    case "connection":
      return { ...call, connection: event.state };
    case "transcript":
      return onTranscript(call, event.update);
    case "sources":
      return { ...call, sources: mergeSources(call.sources, event.sources) };
    case "sound":
      return { ...call, soundBlocked: event.blocked };
    case "microphone":
      return { ...call, microphoneWorking: event.working };
    case "closed":
      return endCall(call, event.cause, now);
  }
}

/** The first words that the assistant begins after sources came rest on them. */
function onTranscript(call: LiveCall, update: TranscriptUpdate): LiveCall {
  const { sources } = call;
  const isKnown = call.lines.some((line) => line.segmentId === update.segmentId);
  if (isKnown || update.speaker === "user" || sources.length === 0) {
    return { ...call, lines: mergeTranscript(call.lines, update) };
  }
  return { ...call, lines: mergeTranscript(call.lines, { ...update, sources }), sources: [] };
}

/** The call as it is shown once it is over. */
export function endCall(call: LiveCall, cause: EndCause, now: number): CallState {
  const { callId, lines } = call;
  return { kind: "ended", callId, cause, durationMs: now - call.startedAt, lines };
}
