/** What a view shows while it waits, when something failed, and when there is nothing. */
import type { ReactNode } from "react";
import { toUserMessage } from "../api/errors";

/** Says that something is being fetched. */
export function Loading({ what }: { what: string }) {
  return (
    <p className="loading" role="status">
      <span className="spinner" aria-hidden="true" />
      {what}
    </p>
  );
}

interface ProblemProps {
  error: unknown;
  onRetry?: () => void;
  children?: ReactNode;
}

/** Says what went wrong, and offers to try again. */
export function Problem({ error, onRetry, children }: ProblemProps) {
  return (
    <div className="notice notice-problem" role="alert">
      <p>{toUserMessage(error)}</p>
      {onRetry && (
        <button type="button" className="button button-small" onClick={onRetry}>
          Try again
        </button>
      )}
      {children}
    </div>
  );
}

/** A remark that is no failure. */
export function Notice({ children }: { children: ReactNode }) {
  return (
    <div className="notice" role="status">
      {children}
    </div>
  );
}
