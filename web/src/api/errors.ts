/**
 * Says in clear words what went wrong. Every failure has a reason: services send it as `ErrorInfo`, the page's own
 * failures carry it as `PageError`. The words are chosen by the reason, never by the text of a message.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb";

/** Words by reason. */
const WORDS = {
  EMAIL_OR_PASSWORD_WRONG: "That e-mail address and password do not belong together.",
  EMAIL_INVALID: "That is not an e-mail address.",
  EMAIL_TAKEN: "There is already an account with this e-mail address. Sign in instead.",
  PASSWORD_WEAK: "Choose a longer password: at least six characters.",
  ACCOUNT_DISABLED: "This account has been switched off. Ask your administrator.",
  TOO_MANY_ATTEMPTS: "Too many attempts. Wait a few minutes, then try again.",
  POPUP_BLOCKED: "The browser blocked the sign-in window. Allow pop-ups for this page and try again.",
  POPUP_CLOSED: "The sign-in window was closed before you were signed in.",
  IDENTITY_UNREACHABLE: "Sign-in cannot be reached. Check your connection and try again.",
  IDENTITY_FAILED: "Signing in did not work. Please try again.",
  SIGN_IN_ENDED: "You have been signed out. Please sign in again.",
  ID_TOKEN_INVALID: "You have been signed out. Please sign in again.",
  ID_TOKEN_EXPIRED: "You have been signed out. Please sign in again.",
  IDENTITY_KEYS_UNAVAILABLE: "Sign-in cannot be checked at the moment. Please try again shortly.",
  PROFILE_UNAVAILABLE: "Your profile cannot be reached at the moment. Please try again shortly.",
  PROFILE_NOT_FOUND: "There is no profile for your account yet.",
  ETAG_MISMATCH: "Your profile was changed elsewhere in the meantime. It has been loaded again.",
  FIELD_NOT_WRITABLE: "This cannot be changed here.",
  NO_CAPACITY: "All assistants are busy right now.",
  SHUTTING_DOWN: "The assistant is restarting. Please try again in a moment.",
  AUTH_UNAVAILABLE: "The assistant cannot be reached at the moment. Please try again shortly.",
  PROVIDER_UNAVAILABLE: "The assistant cannot talk at the moment. Please try again shortly.",
  PROVIDER_REFUSES: "The assistant is out of order. Please try again later, or contact us in another way.",
  CALL_NOT_FOUND: "There is no such call.",
  MICROPHONE_DENIED:
    "This page may not use your microphone. Allow it in the address bar or the browser's settings, then call again.",
  MICROPHONE_MISSING: "No microphone was found. Plug one in or switch it on, then call again.",
  MICROPHONE_BUSY: "The microphone is in use by another program. Close it there, then call again.",
  MICROPHONE_INSECURE: "Browsers only open the microphone on secure pages. Open this page with https.",
  MICROPHONE_FAILED: "The microphone could not be opened. Check it, then call again.",
  ROOM_UNREACHABLE: "The call could not be connected. Check your network and try again.",
  TURN_NOT_TAKEN: "The assistant did not notice the button. Hold it again, and say it once more.",
  TURN_TOO_SHORT: "Hold the button for as long as you speak.",
  AGENT_DID_NOT_JOIN: "The assistant did not answer. Please call again.",
  PAGE_OUTDATED: "Part of this page could not be loaded. Check your connection and reload the page.",
} as const;

/** The reason of a failure that the page has words for. */
export type Reason = keyof typeof WORDS;

/** A failure of the page itself or of something it uses other than our services. */
export class PageError extends Error {
  override name = "PageError";
  readonly reason: Reason;

  constructor(reason: Reason, cause?: unknown) {
    super(reason, { cause });
    this.reason = reason;
  }
}

/** What to tell the person at the page. */
export function toUserMessage(error: unknown): string {
  const reason = reasonOf(error);
  if (reason && isKnown(reason)) return WORDS[reason];
  return error instanceof ConnectError ? byCode(error) : "Something went wrong. Please try again.";
}

/** The stable name of what went wrong, if it has one. */
export function reasonOf(error: unknown): string | undefined {
  if (error instanceof PageError) return error.reason;
  if (!(error instanceof ConnectError)) return undefined;
  // A failure of an interceptor arrives wrapped.
  return error.findDetails(ErrorInfoSchema)[0]?.reason ?? reasonOf(error.cause);
}

/** How long the service asks to wait before trying again, in milliseconds. */
export function retryDelayMs(error: unknown): number | undefined {
  if (!(error instanceof ConnectError)) return undefined;
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  return delay && Number(delay.seconds) * 1_000 + delay.nanos / 1_000_000;
}

/** Whether the service does not accept who is asking. */
export function isUnauthenticated(error: unknown): boolean {
  return error instanceof ConnectError && error.code === Code.Unauthenticated;
}

function byCode(error: ConnectError): string {
  switch (error.code) {
    case Code.InvalidArgument: {
      const violations = error.findDetails(BadRequestSchema).flatMap((detail) => detail.fieldViolations);
      const sentences = violations.map((violation) => sentence(violation.description)).filter(Boolean);
      return sentences.join(" ") || "Something in what was sent is not right.";
    }
    case Code.Unauthenticated:
      return WORDS.SIGN_IN_ENDED;
    case Code.PermissionDenied:
      return "You may not do this.";
    case Code.NotFound:
      return "This could not be found.";
    case Code.ResourceExhausted:
      return "That was too much at once. Wait a moment, then try again.";
    case Code.Unavailable:
    case Code.Unknown:
      // A browser that cannot reach a server says no more than that the fetch failed.
      return "The service cannot be reached. Check your connection and try again.";
    case Code.DeadlineExceeded:
      return "The service took too long to answer. Please try again.";
    case Code.Canceled:
      return "This was cancelled.";
    default:
      return "Something went wrong on our side. Please try again.";
  }
}

function isKnown(reason: string): reason is Reason {
  return Object.hasOwn(WORDS, reason);
}

function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return "";
  return trimmed[0]?.toUpperCase() + trimmed.slice(1) + (/[.!?]$/.test(trimmed) ? "" : ".");
}
