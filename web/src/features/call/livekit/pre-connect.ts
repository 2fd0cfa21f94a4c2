/**
 * What the caller says while the page connects: recorded, and sent to the assistant before their live sound.
 * livekit-client does it, by methods that it marks as internal: its public way, `setMicrophoneEnabled`, opens a
 * microphone that cannot be let go before the room is joined.
 */
import { type LocalAudioTrack, type LocalParticipant, ParticipantEvent } from "livekit-client";

/** Records from now on, until the assistant hears the track or 10 s have passed. */
export function startRecording(track: LocalAudioTrack): void {
  try {
    track.startPreConnectBuffer();
  } catch {
    // A browser that cannot record loses what is said until the room is joined, and nothing else.
  }
}

export function stopRecording(track: LocalAudioTrack): void {
  if (track.hasPreConnectBuffer) track.stopPreConnectBuffer();
}

/** Publishes the track; what was recorded follows as soon as the assistant is there. */
export async function publishRecorded(
  participant: Pick<LocalParticipant, "on" | "off" | "publishTrack">,
  track: LocalAudioTrack,
): Promise<void> {
  let isHeard = false;
  const onHeard = (publication: { track?: unknown }) => {
    isHeard ||= publication.track === track;
  };
  participant.on(ParticipantEvent.LocalTrackSubscribed, onHeard);
  try {
    await participant.publishTrack(track);
  } finally {
    participant.off(ParticipantEvent.LocalTrackSubscribed, onHeard);
  }
  // livekit-client looks for this only once it has published, and an assistant that is there already is faster.
  if (isHeard) stopRecording(track);
}
