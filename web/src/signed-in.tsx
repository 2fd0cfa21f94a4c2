import { useTransport } from "@connectrpc/connect-query";
import { AccountPage } from "./features/account/account-page";
import { CallPage, callSummary } from "./features/call/call-page";
import type { OpenRoom } from "./features/call/call-room";
import { type UseCall, useCall } from "./features/call/use-call";
import { CallsPage } from "./features/calls/calls-page";
import { PastCallPage } from "./features/calls/past-call-page";
import { Brand } from "./ui/brand";
import { Page } from "./ui/page";
import { Link, parseRoute, type Route, usePath } from "./ui/router";
import "./ui/frame.css";

interface SignedInProps {
  email: string;
  openRoom: OpenRoom;
  onSignOut: () => void;
}

/** The pages of someone who is signed in. A call goes on while they look at another page. */
export function SignedIn({ email, openRoom, onSignOut }: SignedInProps) {
  const call = useCall(useTransport(), openRoom);
  const route = parseRoute(usePath());
  return (
    <>
      <header className="header">
        <Link href="/" className="brand">
          <Brand />
        </Link>
        <nav aria-label="Pages">
          <NavLink href="/" current={route.page === "call"} text="Call" />
          <NavLink
            href="/calls"
            current={route.page === "calls" || route.page === "past-call"}
            text="Past calls"
          />
          <NavLink href="/account" current={route.page === "account"} text="Account" />
        </nav>
        <div className="who">
          <span className="who-email">{email}</span>
          <button type="button" className="button button-small" onClick={onSignOut}>
            Sign out
          </button>
        </div>
      </header>
      {route.page !== "call" && <CallBar call={call} />}
      {call.state.kind === "live" && call.state.room.views.sound()}
      <main>
        <RouteView route={route} call={call} />
      </main>
    </>
  );
}

function RouteView({ route, call }: { route: Route; call: UseCall }) {
  switch (route.page) {
    case "call":
      return <CallPage call={call} />;
    case "account":
      return <AccountPage />;
    case "calls":
      return <CallsPage />;
    case "past-call":
      return <PastCallPage key={route.callId} callId={route.callId} />;
    case "unknown":
      return (
        <Page title="Nothing here">
          <p>
            There is no such page. <Link href="/">To the call page</Link>
          </p>
        </Page>
      );
  }
}

function NavLink({ href, current, text }: { href: string; current: boolean; text: string }) {
  return (
    <Link href={href} aria-current={current ? "page" : undefined}>
      {text}
    </Link>
  );
}

/** Reminds of the call on the other pages. */
function CallBar({ call: { state, control } }: { call: UseCall }) {
  const summary = callSummary(state);
  if (!summary) return null;
  return (
    <div className="call-bar" role="status">
      <span>{summary}</span>
      <Link href="/">Back to the call</Link>
      {state.kind === "live" ? (
        <button type="button" className="button button-small button-danger" onClick={control.hangUp}>
          Hang up
        </button>
      ) : (
        state.kind !== "starting" && (
          <button type="button" className="button button-small" onClick={control.dismiss}>
            Dismiss
          </button>
        )
      )}
    </div>
  );
}
