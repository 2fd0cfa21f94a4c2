import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { ProfileSchema, SubscriptionTier } from "../../gen/insta/profile/v1/profile_pb";
import type { UpdateProfileRequest } from "../../gen/insta/profile/v1/profile_service_pb";
import { failure } from "../../test/errors";
import { renderApp } from "../../test/render-app";

/** profile-svc with one profile that can be renamed. */
function profileService() {
  const stored = create(ProfileSchema, {
    userId: "ada",
    name: "Ada",
    email: "ada@example.com",
    subscriptionTier: SubscriptionTier.PRO,
    etag: "1",
  });
  const updates: UpdateProfileRequest[] = [];
  return {
    stored,
    updates,
    answers: {
      getProfile: () => ({ profile: stored }),
      listAccountFacts: () => ({ facts: [{ key: "seats", label: "seat usage", value: "2 of 3 seats" }] }),
      updateProfile: (request: UpdateProfileRequest) => {
        updates.push(request);
        if (request.profile?.etag !== stored.etag) throw failure(Code.Aborted, "ETAG_MISMATCH");
        stored.name = request.profile.name;
        stored.etag = `${Number(stored.etag) + 1}`;
        return { profile: stored };
      },
    },
  };
}

async function openAccount(profile: ReturnType<typeof profileService>["answers"]) {
  window.history.replaceState(null, "", "/account");
  renderApp({ profile });
  return screen.findByLabelText("Name");
}

async function rename(name: string) {
  const user = userEvent.setup();
  await user.clear(screen.getByLabelText("Name"));
  await user.type(screen.getByLabelText("Name"), `${name}{Enter}`);
}

describe("the account page", () => {
  it("shows the plan, the facts and that there was no call yet", async () => {
    const { answers } = profileService();
    await openAccount(answers);
    expect(screen.getByText("Pro")).toBeVisible();
    const facts = screen.getByRole("region", { name: "What the assistant knows about your account" });
    expect(await within(facts).findByText("2 of 3 seats")).toBeVisible();
    expect(screen.getByRole("region", { name: "Your last call" })).toHaveTextContent("There is none yet.");
  });

  it("says what the last call was about", async () => {
    const { stored, answers } = profileService();
    stored.lastInteractionSummary = "Asked how to reset a password.";
    await openAccount(answers);
    expect(screen.getByText("Asked how to reset a password.")).toBeVisible();
  });

  it("renames: the name alone, with the etag, twice in a row", async () => {
    const { updates, answers } = profileService();
    await openAccount(answers);
    await rename("Ada Lovelace");
    expect(await screen.findByText("Saved.")).toBeVisible();
    await rename("Countess");
    await screen.findByDisplayValue("Countess");
    expect(
      updates.map(({ profile, updateMask }) => [profile?.name, profile?.etag, updateMask?.paths]),
    ).toEqual([
      ["Ada Lovelace", "1", ["name"]],
      ["Countess", "2", ["name"]],
    ]);
  });

  it("shows the name that someone else gave in the meantime", async () => {
    const { stored, answers } = profileService();
    await openAccount(answers);
    stored.name = "Augusta";
    stored.etag = "7";
    await rename("Countess");
    expect(await screen.findByRole("alert")).toHaveTextContent("was changed elsewhere");
    expect(await screen.findByDisplayValue("Augusta")).toBeVisible();
  });

  it("says when there is no profile", async () => {
    window.history.replaceState(null, "", "/account");
    const getProfile = () => {
      throw failure(Code.NotFound, "PROFILE_NOT_FOUND");
    };
    renderApp({ profile: { getProfile } });
    expect(await screen.findByRole("alert")).toHaveTextContent("There is no profile for your account yet.");
  });
});
