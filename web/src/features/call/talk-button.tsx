import type { KeyboardEvent, PointerEvent } from "react";
import { toUserMessage } from "../../api/errors";
import type { CallControl } from "./call-control";
import { canTalk, type LiveCall } from "./call-state";

interface TalkButtonProps {
  call: LiveCall;
  control: CallControl;
}

/** Push to talk: what is said while it is held, by pointer or by key, is a turn. Whatever takes it away ends the turn. */
export function TalkButton({ call, control }: TalkButtonProps) {
  const { startTalking, stopTalking } = control;
  const onPointerDown = (event: PointerEvent<HTMLButtonElement>) => {
    if (event.button !== 0) return;
    // It stays held where the pointer slips off it.
    event.currentTarget.setPointerCapture(event.pointerId);
    startTalking();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!isTalkKey(event)) return;
    event.preventDefault();
    if (!event.repeat) startTalking();
  };
  return (
    <div className="talk">
      <button
        type="button"
        className="button button-primary talk-button"
        aria-pressed={call.talking}
        aria-disabled={!canTalk(call)}
        aria-describedby="talk-hint"
        onPointerDown={onPointerDown}
        onPointerUp={stopTalking}
        onPointerCancel={stopTalking}
        onLostPointerCapture={stopTalking}
        onBlur={stopTalking}
        onKeyDown={onKeyDown}
        onKeyUp={(event) => isTalkKey(event) && stopTalking()}
        // What a long touch would open.
        onContextMenu={(event) => event.preventDefault()}
      >
        {call.room.views.microphoneLevel(!call.talking)}
        Hold to talk
      </button>
      {/* In one place, so that the button does not slip away from under a pointer. */}
      {call.turnProblem ? (
        <p className="hint talk-problem" role="alert">
          {toUserMessage(call.turnProblem)}
        </p>
      ) : (
        <p id="talk-hint" className="hint">
          Hold it with the mouse, a finger or the space bar. Nothing else you say is heard.
        </p>
      )}
    </div>
  );
}

function isTalkKey({ key }: KeyboardEvent): boolean {
  return key === " " || key === "Enter";
}
