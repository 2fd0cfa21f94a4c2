/** What shows the voices in a LiveKit room. */
import { BarVisualizer, useTrackVolume } from "@livekit/components-react";
import {
  type LocalAudioTrack,
  RemoteAudioTrack,
  type RemoteParticipant,
  type Room,
  RoomEvent,
  Track,
} from "livekit-client";
import { useCallback, useSyncExternalStore } from "react";
import type { AgentState } from "../call-room";

const BAR_COUNT = 9;
const BAR_HEIGHTS = { minHeight: 12, maxHeight: 100 };

interface AgentVoiceProps {
  room: Room;
  findAgent: (room: Room) => RemoteParticipant | undefined;
  state: AgentState;
}

/** Bars that move with the assistant's voice, or show what it is doing while it is silent. */
export function AgentVoice({ room, findAgent, state }: AgentVoiceProps) {
  return (
    <BarVisualizer
      className="agent-bars"
      aria-hidden="true"
      state={state}
      track={useAgentTrack(room, findAgent)}
      barCount={BAR_COUNT}
      options={BAR_HEIGHTS}
    />
  );
}

/** A bar that grows with the caller's own voice. */
export function MicrophoneLevel({ track, muted }: { track: LocalAudioTrack | undefined; muted: boolean }) {
  const volume = useTrackVolume(track);
  // Speech seldom passes half of full scale: the root spreads the quiet part.
  const level = muted ? 0 : Math.min(1, Math.sqrt(volume));
  return (
    <span className="level" aria-hidden="true">
      <span className="level-bar" style={{ transform: `scaleX(${level.toFixed(3)})` }} />
    </span>
  );
}

const TRACK_EVENTS = [
  RoomEvent.TrackSubscribed,
  RoomEvent.TrackUnsubscribed,
  RoomEvent.ParticipantDisconnected,
] as const;

function useAgentTrack(room: Room, findAgent: AgentVoiceProps["findAgent"]): RemoteAudioTrack | undefined {
  const subscribe = useCallback(
    (listener: () => void) => {
      for (const event of TRACK_EVENTS) room.on(event, listener);
      return () => {
        for (const event of TRACK_EVENTS) room.off(event, listener);
      };
    },
    [room],
  );
  return useSyncExternalStore(subscribe, () => {
    const track = findAgent(room)?.getTrackPublication(Track.Source.Microphone)?.audioTrack;
    return track instanceof RemoteAudioTrack ? track : undefined;
  });
}
