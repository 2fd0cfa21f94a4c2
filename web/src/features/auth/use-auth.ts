import { useEffect, useReducer } from "react";
import { isUnauthenticated, reasonOf } from "../../api/errors";
import type { Identity, IdentityUser } from "../../api/identity";
import type { Session } from "../../api/session";

/** How far signing in has come. */
export type AuthState =
  | { kind: "loading" }
  | { kind: "signedOut"; ended: boolean }
  | { kind: "failed"; error: unknown }
  | { kind: "signedIn"; user: IdentityUser };

/** Who is signed in, and what they can do about it. */
export interface Auth {
  state: AuthState;
  retry: () => void;
  signOut: () => void;
}

/** Follows the identity provider and opens a session for whoever signs in. */
export function useAuth(identity: Identity, session: Session, onChange: () => void): Auth {
  const [state, set] = useReducer((_: AuthState, next: AuthState) => next, { kind: "loading" });
  const [attempt, retry] = useReducer((count: number) => count + 1, 0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `attempt` starts the effect over.
  useEffect(() => {
    // Each change of person outdates what was under way for the one before.
    let turn = 0;
    let ended = false;
    const leave = () => {
      ended = true;
      identity.signOut().catch(() => set({ kind: "signedOut", ended }));
    };
    const open = async (user: IdentityUser, mine: number) => {
      try {
        await session.token();
        if (mine === turn) set({ kind: "signedIn", user });
      } catch (error) {
        if (mine !== turn) return;
        if (isUnauthenticated(error) || reasonOf(error) === "SIGN_IN_ENDED") leave();
        else set({ kind: "failed", error });
      }
    };
    const unsubscribe = identity.subscribe((user) => {
      turn += 1;
      session.clear();
      onChange();
      if (!user) return set({ kind: "signedOut", ended });
      ended = false;
      set({ kind: "loading" });
      void open(user, turn);
    });
    const stopListening = session.onEnded(leave);
    return () => {
      turn += 1;
      unsubscribe();
      stopListening();
    };
  }, [identity, session, onChange, attempt]);

  return {
    state,
    retry: () => {
      set({ kind: "loading" });
      retry();
    },
    signOut: () => {
      identity.signOut().catch((error: unknown) => set({ kind: "failed", error }));
    },
  };
}
