/** The whole page: who is signed in decides between the sign-in form and the pages behind it. */
import { TransportProvider } from "@connectrpc/connect-query";
import { QueryClientProvider } from "@tanstack/react-query";
import { useCallback, useState } from "react";
import type { Identity } from "./api/identity";
import { createQueryClient } from "./api/queries";
import type { Services } from "./api/services";
import { SignIn } from "./features/auth/sign-in";
import { useAuth } from "./features/auth/use-auth";
import type { OpenRoom } from "./features/call/call-room";
import { SignedIn } from "./signed-in";
import { Alone } from "./ui/alone";
import { Loading, Problem } from "./ui/feedback";

/** What the page is given from outside; tests give it other things. */
export interface AppProps {
  services: Services;
  identity: Identity;
  openRoom: OpenRoom;
}

export function App({ services, identity, openRoom }: AppProps) {
  const [queries] = useState(createQueryClient);
  // What was fetched for one person is not shown to the next.
  const forget = useCallback(() => queries.clear(), [queries]);
  const auth = useAuth(identity, services.session, forget);
  switch (auth.state.kind) {
    case "loading":
      return (
        <Alone>
          <Loading what="One moment…" />
        </Alone>
      );
    case "signedOut":
      return (
        <Alone>
          <SignIn identity={identity} ended={auth.state.ended} />
        </Alone>
      );
    case "failed":
      return (
        <Alone>
          <Problem error={auth.state.error} onRetry={auth.retry}>
            <button type="button" className="button button-small" onClick={auth.signOut}>
              Sign out
            </button>
          </Problem>
        </Alone>
      );
    case "signedIn":
      return (
        <TransportProvider transport={services.transport}>
          <QueryClientProvider client={queries}>
            <SignedIn email={auth.state.user.email} openRoom={openRoom} onSignOut={auth.signOut} />
          </QueryClientProvider>
        </TransportProvider>
      );
  }
}
