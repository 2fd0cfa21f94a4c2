/** Firebase Authentication behind `Identity`: e-mail and password, and Google where it is set up. */
import { initializeApp } from "@firebase/app";
import {
  type Auth,
  browserLocalPersistence,
  browserPopupRedirectResolver,
  connectAuthEmulator,
  createUserWithEmailAndPassword,
  GoogleAuthProvider,
  indexedDBLocalPersistence,
  initializeAuth,
  onAuthStateChanged,
  sendPasswordResetEmail,
  signInWithEmailAndPassword,
  signInWithPopup,
  signOut,
  type User,
  updateProfile,
} from "@firebase/auth";
import type { FirebaseConfig } from "../config";
import { PageError, type Reason } from "./errors";
import type { Identity, IdentityUser } from "./identity";

const REASONS: Record<string, Reason> = {
  "auth/invalid-credential": "EMAIL_OR_PASSWORD_WRONG",
  "auth/wrong-password": "EMAIL_OR_PASSWORD_WRONG",
  "auth/user-not-found": "EMAIL_OR_PASSWORD_WRONG",
  "auth/invalid-email": "EMAIL_INVALID",
  "auth/missing-email": "EMAIL_INVALID",
  "auth/email-already-in-use": "EMAIL_TAKEN",
  "auth/weak-password": "PASSWORD_WEAK",
  "auth/password-does-not-meet-requirements": "PASSWORD_WEAK",
  "auth/user-disabled": "ACCOUNT_DISABLED",
  "auth/too-many-requests": "TOO_MANY_ATTEMPTS",
  "auth/popup-blocked": "POPUP_BLOCKED",
  "auth/popup-closed-by-user": "POPUP_CLOSED",
  "auth/cancelled-popup-request": "POPUP_CLOSED",
  "auth/network-request-failed": "IDENTITY_UNREACHABLE",
  "auth/timeout": "IDENTITY_UNREACHABLE",
  "auth/user-token-expired": "SIGN_IN_ENDED",
  "auth/invalid-user-token": "SIGN_IN_ENDED",
};

/** Opens the Firebase project of the settings. */
export function createFirebaseIdentity(config: FirebaseConfig): Identity {
  const app = initializeApp({
    projectId: config.projectId,
    apiKey: config.apiKey,
    authDomain: `${config.projectId}.firebaseapp.com`,
  });
  // initializeAuth instead of getAuth, which brings the pop-up code along whether it is used or not.
  const auth = initializeAuth(app, { persistence: [indexedDBLocalPersistence, browserLocalPersistence] });
  if (config.emulatorUrl) connectAuthEmulator(auth, config.emulatorUrl, { disableWarnings: true });
  return new FirebaseIdentity(auth, config.google);
}

class FirebaseIdentity implements Identity {
  readonly #auth: Auth;
  readonly google: boolean;
  /** Set while an account is made, which must not be announced before it has its name. */
  #creating = false;
  readonly #listeners = new Set<() => void>();

  constructor(auth: Auth, google: boolean) {
    this.#auth = auth;
    this.google = google;
  }

  subscribe(listener: (user: IdentityUser | undefined) => void): () => void {
    const tell = () => {
      if (!this.#creating) listener(toIdentityUser(this.#auth.currentUser));
    };
    this.#listeners.add(tell);
    const stop = onAuthStateChanged(this.#auth, tell);
    return () => {
      this.#listeners.delete(tell);
      stop();
    };
  }

  idToken(fresh: boolean): Promise<string> {
    return explained(async () => {
      const user = this.#auth.currentUser;
      if (!user) throw new PageError("SIGN_IN_ENDED");
      return user.getIdToken(fresh);
    });
  }

  signIn(email: string, password: string): Promise<void> {
    return explained(async () => {
      await signInWithEmailAndPassword(this.#auth, email, password);
    });
  }

  createAccount(name: string, email: string, password: string): Promise<void> {
    return explained(async () => {
      this.#creating = true;
      try {
        const { user } = await createUserWithEmailAndPassword(this.#auth, email, password);
        if (name) await this.#nameAccount(user, name);
      } finally {
        this.#creating = false;
      }
      for (const tell of this.#listeners) tell();
    });
  }

  signInWithGoogle(): Promise<void> {
    return explained(async () => {
      await signInWithPopup(this.#auth, new GoogleAuthProvider(), browserPopupRedirectResolver);
    });
  }

  sendPasswordReset(email: string): Promise<void> {
    return explained(async () => {
      try {
        await sendPasswordResetEmail(this.#auth, email);
      } catch (error) {
        // Whether an address has an account is nobody else's business.
        if (codeOf(error) !== "auth/user-not-found") throw error;
      }
    });
  }

  signOut(): Promise<void> {
    return explained(() => signOut(this.#auth));
  }

  /** The name is in the token only after a refresh. An account without it is usable, and renamed on its page. */
  async #nameAccount(user: User, name: string): Promise<void> {
    try {
      await updateProfile(user, { displayName: name });
      await user.getIdToken(true);
    } catch {
      return;
    }
  }
}

async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PageError) throw error;
    throw new PageError(REASONS[codeOf(error)] ?? "IDENTITY_FAILED", error);
  }
}

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}

function toIdentityUser(user: User | null): IdentityUser | undefined {
  return user ? { email: user.email ?? "" } : undefined;
}
