/** The room of a call over LiveKit. Loaded when the first call is made: LiveKit is most of the page's weight. */
import { RoomAudioRenderer } from "@livekit/components-react";
import {
  createLocalAudioTrack,
  DisconnectReason,
  RoomEvent as Event,
  type LocalAudioTrack,
  ParticipantKind,
  type RemoteParticipant,
  Room,
  TrackEvent,
} from "livekit-client";
import { PageError, type Reason } from "../../../api/errors";
import type { AgentState, CallRoom, CloseCause, RoomEvent, RoomViews, TurnStep } from "../call-room";
import { publishRecorded, startRecording, stopRecording } from "./pre-connect";
import { SOURCES_TOPIC, sourcesHandler } from "./sources";
import { TRANSCRIPTION_TOPIC, transcriptionHandler } from "./transcription";
import { AgentVoice, MicrophoneLevel } from "./views";

/** The assistant's attribute that says who ends the caller's turns. */
const TURN_DETECTION = "insta.turn_detection";
/** How long the assistant may take to take note of a turn, in milliseconds. */
const TURN_TIMEOUT_MS = 5_000;
const AGENT_STATES: readonly AgentState[] = ["initializing", "idle", "listening", "thinking", "speaking"];

/** Makes a room that is not joined yet, and warms up the connection to `likelyUrl`. */
export function createRoom(likelyUrl: string): CallRoom {
  const room = new Room({
    audioCaptureDefaults: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  });
  void room.prepareConnection(likelyUrl);
  return new LivekitRoom(room);
}

class LivekitRoom implements CallRoom {
  readonly #room: Room;
  readonly #listeners = new Set<(event: RoomEvent) => void>();
  #microphone: LocalAudioTrack | undefined;
  #left = false;
  readonly views: RoomViews;

  constructor(room: Room) {
    this.#room = room;
    this.views = {
      sound: () => <RoomAudioRenderer room={room} />,
      agentVoice: (state) => <AgentVoice room={room} findAgent={findAgent} state={state} />,
      microphoneLevel: (muted) => <MicrophoneLevel track={this.#microphone} muted={muted} />,
    };
    const tellAgent = () => {
      const agent = findAgent(room);
      this.#tell({ kind: "agent", state: agentState(agent) });
      if (agent) this.#tell({ kind: "pushToTalk", on: agent.attributes[TURN_DETECTION] === "manual" });
    };
    room
      .on(Event.ParticipantConnected, tellAgent)
      .on(Event.ParticipantDisconnected, tellAgent)
      .on(Event.ParticipantAttributesChanged, tellAgent)
      .on(Event.Connected, tellAgent)
      .on(Event.Reconnecting, () => this.#tell({ kind: "connection", state: "reconnecting" }))
      .on(Event.SignalReconnecting, () => this.#tell({ kind: "connection", state: "reconnecting" }))
      .on(Event.Reconnected, () => {
        this.#tell({ kind: "connection", state: "connected" });
        tellAgent();
      })
      .on(Event.AudioPlaybackStatusChanged, () =>
        this.#tell({ kind: "sound", blocked: !room.canPlaybackAudio }),
      )
      .on(Event.Disconnected, (reason) => {
        this.#closeMicrophone();
        this.#tell({ kind: "closed", cause: closeCause(reason) });
      });
    room.registerTextStreamHandler(
      TRANSCRIPTION_TOPIC,
      transcriptionHandler(
        (identity) => (identity === room.localParticipant.identity ? "user" : "agent"),
        (update) => this.#tell({ kind: "transcript", update }),
      ),
    );
    room.registerTextStreamHandler(
      SOURCES_TOPIC,
      sourcesHandler(
        (identity) => identity === findAgent(room)?.identity,
        (sources) => this.#tell({ kind: "sources", sources }),
      ),
    );
  }

  subscribe(listener: (event: RoomEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async openMicrophone(): Promise<void> {
    if (!navigator.mediaDevices) throw new PageError("MICROPHONE_INSECURE");
    let track: LocalAudioTrack;
    try {
      track = await createLocalAudioTrack(this.#room.options.audioCaptureDefaults);
    } catch (error) {
      throw new PageError(microphoneReason(error), error);
    }
    if (this.#left) return track.stop();
    track
      .on(TrackEvent.Ended, () => this.#tell({ kind: "microphone", working: false }))
      .on(TrackEvent.Restarted, () => this.#tell({ kind: "microphone", working: true }));
    this.#microphone = track;
    startRecording(track);
  }

  async join(url: string, token: string): Promise<void> {
    try {
      await this.#room.connect(url, token);
      if (this.#microphone) await publishRecorded(this.#room.localParticipant, this.#microphone);
    } catch (error) {
      throw new PageError("ROOM_UNREACHABLE", error);
    }
  }

  async setMuted(muted: boolean): Promise<void> {
    await (muted ? this.#microphone?.mute() : this.#microphone?.unmute());
  }

  async turn(step: TurnStep): Promise<void> {
    const agent = findAgent(this.#room);
    if (!agent) throw new PageError("TURN_NOT_TAKEN");
    try {
      await this.#room.localParticipant.performRpc({
        destinationIdentity: agent.identity,
        method: step,
        payload: "",
        responseTimeout: TURN_TIMEOUT_MS,
      });
    } catch (error) {
      throw new PageError("TURN_NOT_TAKEN", error);
    }
  }

  startSound(): Promise<void> {
    return this.#room.startAudio();
  }

  async leave(): Promise<void> {
    this.#left = true;
    this.#closeMicrophone();
    // The connection is given up in any case; a farewell that does not arrive changes nothing.
    await this.#room.disconnect().catch(() => undefined);
  }

  #closeMicrophone(): void {
    if (!this.#microphone) return;
    stopRecording(this.#microphone);
    this.#microphone.stop();
  }

  #tell(event: RoomEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** The assistant: the first agent in the room that does not publish in another agent's name. */
function findAgent(room: Room): RemoteParticipant | undefined {
  return [...room.remoteParticipants.values()].find(
    ({ kind, attributes }) => kind === ParticipantKind.AGENT && !attributes["lk.publish_on_behalf"],
  );
}

function agentState(agent: RemoteParticipant | undefined): AgentState {
  const state = agent?.attributes["lk.agent.state"];
  return AGENT_STATES.find((known) => known === state) ?? "connecting";
}

function closeCause(reason: DisconnectReason | undefined): CloseCause {
  switch (reason) {
    case DisconnectReason.CLIENT_INITIATED:
      return "hungUp";
    case DisconnectReason.DUPLICATE_IDENTITY:
      return "elsewhere";
    case DisconnectReason.PARTICIPANT_REMOVED:
    case DisconnectReason.ROOM_DELETED:
    case DisconnectReason.ROOM_CLOSED:
      return "ended";
    default:
      return "lost";
  }
}

function microphoneReason(error: unknown): Reason {
  switch (error instanceof Error ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return "MICROPHONE_DENIED";
    case "NotFoundError":
    case "OverconstrainedError":
      return "MICROPHONE_MISSING";
    case "NotReadableError":
    case "AbortError":
      return "MICROPHONE_BUSY";
    default:
      return "MICROPHONE_FAILED";
  }
}
