/** The page's addresses, and moving between them without loading the page again. */
import { type AnchorHTMLAttributes, type MouseEvent, useSyncExternalStore } from "react";

/** Where in the page one can be. */
export type Route =
  | { page: "call" }
  | { page: "account" }
  | { page: "calls" }
  | { page: "past-call"; callId: string }
  | { page: "unknown" };

/** Reads a path such as `/calls/…`. */
export function parseRoute(path: string): Route {
  const [first = "", second = "", ...rest] = path.split("/").filter(Boolean);
  if (rest.length > 0) return { page: "unknown" };
  if (first === "calls" && second) return { page: "past-call", callId: second };
  if (second) return { page: "unknown" };
  switch (first) {
    case "":
      return { page: "call" };
    case "account":
      return { page: "account" };
    case "calls":
      return { page: "calls" };
    default:
      return { page: "unknown" };
  }
}

/** Goes to another address of the page. */
export function navigate(path: string): void {
  if (path === window.location.pathname) return;
  window.history.pushState(null, "", path);
  window.dispatchEvent(new PopStateEvent("popstate"));
  window.scrollTo(0, 0);
}

/** The path that is shown now. */
export function usePath(): string {
  return useSyncExternalStore(subscribe, () => window.location.pathname);
}

function subscribe(listener: () => void): () => void {
  window.addEventListener("popstate", listener);
  return () => window.removeEventListener("popstate", listener);
}

interface LinkProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  href: string;
}

/** A link within the page. Opening it in a new tab works as with any link. */
export function Link({ href, onClick, ...rest }: LinkProps) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    const otherTab = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0;
    if (event.defaultPrevented || otherTab) return;
    event.preventDefault();
    navigate(href);
  };
  return <a href={href} onClick={follow} {...rest} />;
}
