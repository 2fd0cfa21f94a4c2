import { useEffect, useState } from "react";
import { reasonOf, retryDelayMs, toUserMessage } from "../../api/errors";
import type { CallControl } from "./call-control";

interface FailedCallProps {
  error: unknown;
  control: CallControl;
}

/** A call that did not come about. When the assistant is busy, it can be tried again after the wait it asks for. */
export function FailedCall({ error, control }: FailedCallProps) {
  const waitMs = useCountdown(error, retryDelayMs(error) ?? 0);
  const seconds = Math.ceil(waitMs / 1_000);
  return (
    <div className="stage" data-reason={reasonOf(error)}>
      <p className="lead lead-problem" role="alert">
        {toUserMessage(error)}
      </p>
      <div className="controls">
        <button
          type="button"
          className="button button-primary"
          disabled={seconds > 0}
          onClick={control.start}
        >
          {seconds > 0 ? `Try again in ${seconds} s` : "Try again"}
        </button>
        <button type="button" className="button" onClick={control.dismiss}>
          Back
        </button>
      </div>
    </div>
  );
}

/** Counts down from `milliseconds`, anew for each `cause`. */
function useCountdown(cause: unknown, milliseconds: number): number {
  const [left, setLeft] = useState(milliseconds);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new failure starts a new wait.
  useEffect(() => {
    setLeft(milliseconds);
    if (milliseconds <= 0) return;
    const end = Date.now() + milliseconds;
    const ticking = setInterval(() => {
      const rest = Math.max(0, end - Date.now());
      setLeft(rest);
      if (rest === 0) clearInterval(ticking);
    }, 250);
    return () => clearInterval(ticking);
  }, [cause, milliseconds]);
  return left;
}
