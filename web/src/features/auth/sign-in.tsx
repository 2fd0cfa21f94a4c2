import { type FormEvent, useState } from "react";
import { toUserMessage } from "../../api/errors";
import type { Identity } from "../../api/identity";
import { Notice } from "../../ui/feedback";
import { Field } from "../../ui/field";
import { Page } from "../../ui/page";
import "./sign-in.css";

type Mode = "signIn" | "create" | "reset";

type Submission =
  | { kind: "editing" }
  | { kind: "sending" }
  | { kind: "failed"; error: unknown }
  | { kind: "resetSent" };

const TEXTS: Record<Mode, { title: string; submit: string; sending: string }> = {
  signIn: { title: "Sign in", submit: "Sign in", sending: "Signing in…" },
  create: { title: "Create an account", submit: "Create account", sending: "Creating…" },
  reset: { title: "Reset your password", submit: "Send me a link", sending: "Sending…" },
};

interface SignInProps {
  identity: Identity;
  /** Whether an earlier sign-in has just come to its end. */
  ended: boolean;
}

/** The form for signing in, creating an account and resetting a password. */
export function SignIn({ identity, ended }: SignInProps) {
  const [mode, setMode] = useState<Mode>("signIn");
  const [submission, setSubmission] = useState<Submission>({ kind: "editing" });
  const texts = TEXTS[mode];
  const sending = submission.kind === "sending";

  const run = async (work: () => Promise<void>, done: Submission) => {
    setSubmission({ kind: "sending" });
    try {
      await work();
      setSubmission(done);
    } catch (error) {
      setSubmission({ kind: "failed", error });
    }
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const read = (name: string) => String(form.get(name) ?? "");
    const email = read("email").trim();
    // Once signed in, this form is replaced: until then it keeps saying so.
    switch (mode) {
      case "signIn":
        return run(() => identity.signIn(email, read("password")), { kind: "sending" });
      case "create":
        return run(() => identity.createAccount(read("name").trim(), email, read("password")), {
          kind: "sending",
        });
      case "reset":
        return run(() => identity.sendPasswordReset(email), { kind: "resetSent" });
    }
  };
  const change = (next: Mode) => {
    setMode(next);
    setSubmission({ kind: "editing" });
  };

  return (
    <Page title={texts.title}>
      <div className="card sign-in">
        {ended && submission.kind === "editing" && (
          <Notice>
            <p>You have been signed out. Please sign in again.</p>
          </Notice>
        )}
        <form onSubmit={submit} aria-label={texts.title} aria-busy={sending}>
          {mode === "create" && (
            <Field label="Your name" name="name" autoComplete="name" maxLength={80} required />
          )}
          <Field label="E-mail address" name="email" type="email" autoComplete="username" required />
          {mode !== "reset" && (
            <Field
              label="Password"
              name="password"
              type="password"
              autoComplete={mode === "create" ? "new-password" : "current-password"}
              minLength={mode === "create" ? 6 : undefined}
              hint={mode === "create" ? "At least six characters." : undefined}
              required
            />
          )}
          <Outcome submission={submission} />
          <button type="submit" className="button button-primary" disabled={sending}>
            {sending ? texts.sending : texts.submit}
          </button>
        </form>
        {identity.google && mode !== "reset" && (
          <>
            <p className="divider">or</p>
            <button
              type="button"
              className="button"
              disabled={sending}
              onClick={() => run(() => identity.signInWithGoogle(), { kind: "sending" })}
            >
              Continue with Google
            </button>
          </>
        )}
        <div className="sign-in-links">
          {mode === "signIn" ? (
            <>
              <button type="button" className="link" onClick={() => change("create")}>
                Create an account
              </button>
              <button type="button" className="link" onClick={() => change("reset")}>
                Forgot your password?
              </button>
            </>
          ) : (
            <button type="button" className="link" onClick={() => change("signIn")}>
              Back to sign-in
            </button>
          )}
        </div>
      </div>
    </Page>
  );
}

function Outcome({ submission }: { submission: Submission }) {
  switch (submission.kind) {
    case "failed":
      return (
        <div className="notice notice-problem" role="alert">
          <p>{toUserMessage(submission.error)}</p>
        </div>
      );
    case "resetSent":
      return (
        <Notice>
          <p>If there is an account with this address, a link to reset the password is on its way.</p>
        </Notice>
      );
    case "editing":
    case "sending":
      return null;
  }
}
