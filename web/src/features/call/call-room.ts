/**
 * The room of a call as the page needs it. Only `livekit/` knows how it is done; tests put a room of their own here.
 */
import type { ReactNode } from "react";
import type { Source, TranscriptUpdate } from "./transcript";

/** What the assistant says it is doing; `connecting` until it says anything. */
export type AgentState = "connecting" | "initializing" | "idle" | "listening" | "thinking" | "speaking";

/** Why the room was closed. */
export type CloseCause =
  /** This page left. */
  | "hungUp"
  /** The other side ended the call. */
  | "ended"
  /** The same person joined from another page. */
  | "elsewhere"
  /** The connection was lost and did not come back. */
  | "lost";

/** What a caller with a button does: begins a turn, ends it to be answered, or takes it back. */
export type TurnStep = "start_turn" | "end_turn" | "cancel_turn";

/** What happens in the room. */
export type RoomEvent =
  | { kind: "agent"; state: AgentState }
  /** Whether the caller's turns are those for which they hold a button. */
  | { kind: "pushToTalk"; on: boolean }
  | { kind: "connection"; state: "connected" | "reconnecting" }
  | { kind: "transcript"; update: TranscriptUpdate }
  /** What the assistant's next words rest on. */
  | { kind: "sources"; sources: readonly Source[] }
  /** The browser plays no sound until the person presses something. */
  | { kind: "sound"; blocked: boolean }
  | { kind: "microphone"; working: boolean }
  /** Always the last event. */
  | { kind: "closed"; cause: CloseCause };

/** What shows and plays the room's sound. */
export interface RoomViews {
  /** Plays the assistant's voice. Draws nothing. */
  sound(): ReactNode;
  /** Moves with the assistant's voice and state. */
  agentVoice(state: AgentState): ReactNode;
  /** Moves with the caller's own voice. */
  microphoneLevel(muted: boolean): ReactNode;
}

/** One place in one room. */
export interface CallRoom {
  readonly views: RoomViews;
  /** Tells what happens from now on. Returns what ends it. */
  subscribe(listener: (event: RoomEvent) => void): () => void;
  /**
   * Asks for the microphone. What is said from then on reaches the assistant, though the room is joined later. Fails
   * with a `PageError` of a `MICROPHONE_…` reason.
   */
  openMicrophone(): Promise<void>;
  /** Joins and lets the microphone be heard. Fails with a `PageError` `ROOM_UNREACHABLE`. */
  join(url: string, token: string): Promise<void>;
  setMuted(muted: boolean): Promise<void>;
  /** Tells the assistant of a turn, in push to talk. Fails with a `PageError` `TURN_NOT_TAKEN`. */
  turn(step: TurnStep): Promise<void>;
  /** Plays blocked sound; to be called when the person presses something. */
  startSound(): Promise<void>;
  /** Leaves the room and lets the microphone go. May be called at any time, and twice. */
  leave(): Promise<void>;
}

/** Makes a room, loading what is needed for it first. */
export type OpenRoom = () => Promise<CallRoom>;
