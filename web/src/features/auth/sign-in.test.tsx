import { Code } from "@connectrpc/connect";
import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { PageError } from "../../api/errors";
import { failure } from "../../test/errors";
import { FakeIdentity } from "../../test/fakes";
import { renderApp } from "../../test/render-app";

async function fillIn(email = "ada@example.com", password = "correct horse") {
  const user = userEvent.setup();
  await user.type(screen.getByLabelText("E-mail address"), email);
  await user.type(screen.getByLabelText("Password"), `${password}{Enter}`);
  return user;
}

const signInForm = () => screen.findByRole("form", { name: "Sign in" });
const callButton = () => screen.findByRole("button", { name: "Call" });

describe("signing in", () => {
  it("leads to the call page", async () => {
    renderApp({}, new FakeIdentity());
    await signInForm();
    await fillIn();
    expect(await callButton()).toBeVisible();
    expect(screen.getByText("ada@example.com")).toBeVisible();
  });

  it("says in clear words that the password is wrong, and lets one try again", async () => {
    const identity = new FakeIdentity();
    identity.failNext = new PageError("EMAIL_OR_PASSWORD_WRONG");
    renderApp({}, identity);
    await signInForm();
    const user = await fillIn();
    expect(await screen.findByRole("alert")).toHaveTextContent(
      "That e-mail address and password do not belong together.",
    );
    await user.click(screen.getByRole("button", { name: "Sign in" }));
    expect(await callButton()).toBeVisible();
  });

  it("offers to try again when no session can be opened, and to leave", async () => {
    let available = false;
    const createSession = () => {
      if (!available) throw failure(Code.Unavailable, "PROFILE_UNAVAILABLE");
      return { sessionToken: "session" };
    };
    renderApp({ auth: { createSession } });
    expect(await screen.findByRole("alert")).toHaveTextContent("Your profile cannot be reached");
    expect(screen.getByRole("button", { name: "Sign out" })).toBeVisible();
    available = true;
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await callButton()).toBeVisible();
  });

  it("starts over when the services refuse the person", async () => {
    const createSession = () => {
      throw failure(Code.Unauthenticated, "ID_TOKEN_INVALID");
    };
    renderApp({ auth: { createSession } });
    await signInForm();
    expect(screen.getByRole("status")).toHaveTextContent("You have been signed out.");
  });

  it("offers Google only where it is set up", async () => {
    const identity = new FakeIdentity();
    const { unmount } = renderApp({}, identity);
    await signInForm();
    expect(screen.queryByRole("button", { name: /Google/ })).not.toBeInTheDocument();
    unmount();
    identity.google = true;
    renderApp({}, identity);
    await userEvent.click(await screen.findByRole("button", { name: "Continue with Google" }));
    expect(await screen.findByText("google@example.com")).toBeVisible();
  });

  it("creates an account", async () => {
    renderApp({}, new FakeIdentity());
    await userEvent.click(await screen.findByRole("button", { name: "Create an account" }));
    await userEvent.type(screen.getByLabelText("Your name"), "Ada");
    await fillIn("new@example.com");
    expect(await screen.findByText("new@example.com")).toBeVisible();
  });

  it("sends a link for a forgotten password", async () => {
    const { identity } = renderApp({}, new FakeIdentity());
    await userEvent.click(await screen.findByRole("button", { name: "Forgot your password?" }));
    await userEvent.type(screen.getByLabelText("E-mail address"), "ada@example.com{Enter}");
    expect(await screen.findByRole("status")).toHaveTextContent("a link to reset the password is on its way");
    expect(identity.resets).toEqual(["ada@example.com"]);
  });
});

describe("signing out", () => {
  it("goes back to the form", async () => {
    renderApp({});
    await userEvent.click(await screen.findByRole("button", { name: "Sign out" }));
    expect(await signInForm()).toBeVisible();
    expect(screen.queryByRole("status")).not.toBeInTheDocument();
  });

  it("happens by itself, with a word, when a session ends for good", async () => {
    const listCalls = () => {
      throw failure(Code.Unauthenticated, "SESSION_REVOKED");
    };
    renderApp({ agent: { listCalls } });
    await userEvent.click(await screen.findByRole("link", { name: "Past calls" }));
    await signInForm();
    expect(screen.getByRole("status")).toHaveTextContent("You have been signed out.");
  });
});
