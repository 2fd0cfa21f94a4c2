import { useLayoutEffect, useRef } from "react";
import { toUserMessage } from "../../api/errors";
import { Page } from "../../ui/page";
import { CallButton, PhoneIcon } from "./call-button";
import type { CallState } from "./call-state";
import { EndedCall, endCauseWords } from "./ended-call";
import { FailedCall } from "./failed-call";
import { LiveCallView } from "./live-call";
import type { UseCall } from "./use-call";
import "./call.css";

const STEPS = {
  microphone: "Waiting for your microphone…",
  calling: "Calling…",
  joining: "Connecting…",
} as const;

/** The page with the one big button, and the call once it is pressed. */
export function CallPage({ call: { state, control } }: { call: UseCall }) {
  return (
    <Page title="Talk to your assistant">
      <section
        ref={useFocusKept(state.kind)}
        tabIndex={-1}
        className="call"
        aria-label="Call"
        data-call-state={state.kind}
        data-agent-state={state.kind === "live" ? state.agent : undefined}
        data-connection={state.kind === "live" ? state.connection : undefined}
        data-call-id={state.kind === "live" || state.kind === "ended" ? state.callId : undefined}
      >
        <CallStage state={state} control={control} />
      </section>
    </Page>
  );
}

/**
 * Takes the focus when the button that had it is gone, so that the next Tab leads to the next button of the call.
 * The page stays where it is: the call may be taller than the window.
 */
function useFocusKept(kind: CallState["kind"]) {
  const region = useRef<HTMLElement>(null);
  const before = useRef(kind);
  useLayoutEffect(() => {
    if (before.current !== kind && document.activeElement === document.body) {
      region.current?.focus({ preventScroll: true });
    }
    before.current = kind;
  }, [kind]);
  return region;
}

function CallStage({ state, control }: UseCall) {
  switch (state.kind) {
    case "idle":
      return (
        <div className="stage">
          <p className="lead">
            Ask about your account, or how something works. Just speak, and interrupt freely.
          </p>
          <CallButton onClick={control.start} />
          <p className="hint">The browser will ask for your microphone.</p>
        </div>
      );
    case "starting":
      return (
        <div className="stage">
          <p className="lead" role="status">
            {STEPS[state.step]}
          </p>
          <span className="call-button call-button-waiting" aria-hidden="true">
            <PhoneIcon />
          </span>
          <button type="button" className="button" onClick={control.hangUp}>
            Cancel
          </button>
        </div>
      );
    case "live":
      return <LiveCallView call={state} control={control} />;
    case "ended":
      return <EndedCall call={state} control={control} />;
    case "failed":
      return <FailedCall error={state.error} control={control} />;
  }
}

/** One line that says how the call stands, for the other pages. */
export function callSummary(state: CallState): string | undefined {
  switch (state.kind) {
    case "starting":
      return "Calling…";
    case "live":
      return "On a call";
    case "failed":
      return toUserMessage(state.error);
    case "ended":
      // Who hung up knows.
      return state.cause === "hungUp" ? undefined : endCauseWords(state.cause);
    case "idle":
      return undefined;
  }
}
