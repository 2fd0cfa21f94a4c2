import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { badField, failure } from "../test/errors";
import { PageError, reasonOf, retryDelayMs, toUserMessage } from "./errors";

describe("words for a failure", () => {
  it.each([
    [
      "a reason of a service",
      failure(Code.ResourceExhausted, "NO_CAPACITY"),
      "All assistants are busy right now.",
    ],
    [
      "an assistant that is out of order",
      failure(Code.Unavailable, "PROVIDER_REFUSES"),
      "The assistant is out of order. Please try again later, or contact us in another way.",
    ],
    ["a reason of the page", new PageError("MICROPHONE_MISSING"), /No microphone was found/],
    ["a wrapped reason", ConnectError.from(new PageError("SIGN_IN_ENDED")), /signed out/],
    ["an unknown reason: by code", failure(Code.NotFound, "SOMETHING_NEW"), "This could not be found."],
    [
      "a wrong field",
      badField(Code.InvalidArgument, "profile.name", "at most 80 characters"),
      "At most 80 characters.",
    ],
    [
      "no details",
      new ConnectError("secret", Code.Internal),
      "Something went wrong on our side. Please try again.",
    ],
    ["an unreachable service", new ConnectError("Failed to fetch", Code.Unknown), /cannot be reached/],
    ["a deadline", new ConnectError("late", Code.DeadlineExceeded), /took too long/],
    ["anything else", new Error("secret"), "Something went wrong. Please try again."],
    ["a name that every object has", failure(Code.NotFound, "constructor"), "This could not be found."],
  ])("%s", (_name, error, words) => {
    expect(toUserMessage(error)).toMatch(words);
  });

  it("finds the reason and the wait a service asks for", () => {
    const busy = failure(Code.ResourceExhausted, "NO_CAPACITY", 5);
    expect(reasonOf(busy)).toBe("NO_CAPACITY");
    expect(retryDelayMs(busy)).toBe(5_000);
    expect(retryDelayMs(failure(Code.ResourceExhausted, "NO_CAPACITY"))).toBeUndefined();
  });
});
