import { clock } from "../../ui/format";
import { Link } from "../../ui/router";
import type { CallControl } from "./call-control";
import type { CallState, EndCause } from "./call-state";
import { Transcript } from "./transcript-view";

const CAUSE_WORDS: Record<EndCause, string> = {
  hungUp: "You hung up.",
  ended: "The call has ended.",
  elsewhere: "This call goes on in another window.",
  lost: "The connection was lost and could not be restored.",
  agentLost: "The assistant was lost and did not come back.",
};

/** Why a call that was going on is over. */
export function endCauseWords(cause: EndCause): string {
  return CAUSE_WORDS[cause];
}

interface EndedCallProps {
  call: Extract<CallState, { kind: "ended" }>;
  control: CallControl;
}

/** A call that is over, with what was said. */
export function EndedCall({ call, control }: EndedCallProps) {
  const trouble = call.cause === "lost" || call.cause === "agentLost";
  return (
    <>
      <div className="stage stage-compact" data-end-cause={call.cause}>
        <p className={trouble ? "lead lead-problem" : "lead"} role={trouble ? "alert" : "status"}>
          {endCauseWords(call.cause)}
        </p>
        <p className="elapsed">Duration {clock(call.durationMs)}</p>
        {/* Small, so that a second press on "Hang up" does not meet it. */}
        <button type="button" className="button button-primary control" onClick={control.start}>
          Call
        </button>
        <p className="hint">
          <Link href={`/calls/${call.callId}`}>See this call on record</Link>
        </p>
      </div>
      <Transcript lines={call.lines} live={false} />
    </>
  );
}
