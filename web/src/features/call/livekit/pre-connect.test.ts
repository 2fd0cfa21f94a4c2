import { EventEmitter } from "node:events";
import { type LocalAudioTrack, type LocalParticipant, ParticipantEvent } from "livekit-client";
import { describe, expect, it } from "vitest";
import { publishRecorded, startRecording, stopRecording } from "./pre-connect";

/** A track that records, and says whether it does. */
class Track {
  hasPreConnectBuffer = false;
  startPreConnectBuffer() {
    this.hasPreConnectBuffer = true;
  }
  stopPreConnectBuffer() {
    this.hasPreConnectBuffer = false;
  }
  asTrack(): LocalAudioTrack {
    return this as unknown as LocalAudioTrack;
  }
}

/** A participant whose track is heard by `onPublish` while it is being published. */
class Participant extends EventEmitter {
  constructor(private readonly onPublish: (participant: Participant) => void) {
    super();
  }
  async publishTrack() {
    this.onPublish(this);
  }
  heard(track: Track) {
    this.emit(ParticipantEvent.LocalTrackSubscribed, { track });
  }
  asParticipant(): LocalParticipant {
    return this as unknown as LocalParticipant;
  }
}

function recording(): Track {
  const track = new Track();
  startRecording(track.asTrack());
  return track;
}

describe("what is said while connecting", () => {
  it("is recorded on after the track is published, for an assistant that comes later", async () => {
    const track = recording();
    const participant = new Participant((self) => self.heard(new Track()));
    await publishRecorded(participant.asParticipant(), track.asTrack());
    expect(track.hasPreConnectBuffer).toBe(true);
    expect(participant.listenerCount(ParticipantEvent.LocalTrackSubscribed)).toBe(0);
  });

  it("is complete at once where the assistant hears the track before it is known to be published", async () => {
    const track = recording();
    let whilePublishing: boolean | undefined;
    const participant = new Participant((self) => {
      self.heard(track);
      whilePublishing = track.hasPreConnectBuffer;
    });
    await publishRecorded(participant.asParticipant(), track.asTrack());
    // Publishing takes the recording along: it must not be gone by then.
    expect(whilePublishing).toBe(true);
    expect(track.hasPreConnectBuffer).toBe(false);
  });

  it("leaves nothing behind when the room cannot be joined", async () => {
    const track = recording();
    const participant = new Participant(() => {
      throw new Error("no room");
    });
    await expect(publishRecorded(participant.asParticipant(), track.asTrack())).rejects.toThrow("no room");
    expect(participant.listenerCount(ParticipantEvent.LocalTrackSubscribed)).toBe(0);
    stopRecording(track.asTrack());
    expect(track.hasPreConnectBuffer).toBe(false);
  });

  it("is lost in a browser that cannot record, and nothing else is", async () => {
    const track = new Track();
    track.startPreConnectBuffer = () => {
      throw new DOMException("no such recorder", "NotSupportedError");
    };
    startRecording(track.asTrack());
    await publishRecorded(new Participant((self) => self.heard(track)).asParticipant(), track.asTrack());
    expect(track.hasPreConnectBuffer).toBe(false);
  });
});
