/**
 * Who the person at the page is, as the identity provider knows them. The page talks to this interface, so that
 * views and tests need no Firebase.
 */

/** A person who is signed in at the identity provider. */
export interface IdentityUser {
  email: string;
}

/** The identity provider. What goes wrong is a `PageError` with a reason of its own. */
export interface Identity {
  /** Whether signing in with Google is offered. */
  readonly google: boolean;
  /** Tells who is signed in: once as soon as it is known, then at every change. Returns what ends it. */
  subscribe(listener: (user: IdentityUser | undefined) => void): () => void;
  /** A token that proves who is signed in, straight from the provider when `fresh`. */
  idToken(fresh: boolean): Promise<string>;
  signIn(email: string, password: string): Promise<void>;
  createAccount(name: string, email: string, password: string): Promise<void>;
  signInWithGoogle(): Promise<void>;
  sendPasswordReset(email: string): Promise<void>;
  signOut(): Promise<void>;
}
