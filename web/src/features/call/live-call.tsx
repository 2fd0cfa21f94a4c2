import { Notice } from "../../ui/feedback";
import { clock } from "../../ui/format";
import type { CallControl } from "./call-control";
import type { AgentState } from "./call-room";
import type { LiveCall } from "./call-state";
import { TalkButton } from "./talk-button";
import { Transcript } from "./transcript-view";
import { useElapsed } from "./use-elapsed";

const AGENT_WORDS: Record<AgentState, string> = {
  connecting: "Connecting…",
  initializing: "Getting ready…",
  idle: "Getting ready…",
  listening: "Listening",
  thinking: "Thinking…",
  speaking: "Speaking",
};

interface LiveCallProps {
  call: LiveCall;
  control: CallControl;
}

/** A call that is going on. */
export function LiveCallView({ call, control }: LiveCallProps) {
  const elapsed = useElapsed(call.startedAt);
  const { views } = call.room;
  return (
    <>
      <div className="stage stage-compact">
        <Trouble call={call} control={control} />
        {views.agentVoice(call.agent)}
        <p className="agent-state" role="status" aria-live="polite">
          {stateWords(call)}
        </p>
        <p className="elapsed" role="timer" aria-label="Call duration">
          {clock(elapsed)}
        </p>
        {call.pushToTalk && <TalkButton call={call} control={control} />}
        <div className="controls">
          {(!call.pushToTalk || call.muted) && (
            <button
              type="button"
              className="button control"
              aria-pressed={call.muted}
              onClick={() => control.setMuted(!call.muted)}
            >
              {views.microphoneLevel(call.muted)}
              {call.muted ? "Unmute" : "Mute"}
            </button>
          )}
          <button type="button" className="button button-danger control" onClick={control.hangUp}>
            Hang up
          </button>
        </div>
      </div>
      <Transcript lines={call.lines} live />
    </>
  );
}

function stateWords({ connection, answered, agent, pushToTalk, talking }: LiveCall): string {
  // What the assistant did when it was last heard of is no longer known.
  if (connection === "reconnecting") return "Reconnecting…";
  if (answered && agent === "connecting") return "Waiting for the assistant…";
  if (pushToTalk && agent === "listening") return talking ? "Listening…" : "Your turn";
  return AGENT_WORDS[agent];
}

/** What is wrong at the moment, most important first. */
function Trouble({ call, control }: LiveCallProps) {
  if (call.connection === "reconnecting") {
    return (
      <Notice>
        <p>The connection was lost. It is being restored.</p>
      </Notice>
    );
  }
  if (call.soundBlocked) {
    return (
      <Notice>
        <p>The browser is holding back the sound.</p>
        <button type="button" className="button button-small" onClick={control.startSound}>
          Turn sound on
        </button>
      </Notice>
    );
  }
  if (!call.microphoneWorking) {
    return (
      <Notice>
        <p>Your microphone has stopped. Check that it is plugged in and allowed.</p>
      </Notice>
    );
  }
  return null;
}
