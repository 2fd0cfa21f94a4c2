import { describe, expect, it } from "vitest";
import { parseConfig } from "./config";

const settings = {
  authUrl: "http://127.0.0.1:7701/",
  profileUrl: "https://profile.example.com",
  knowledgeUrl: "https://knowledge.example.com",
  agentUrl: "http://127.0.0.1:7704",
  livekitUrl: "ws://127.0.0.1:7730",
  firebase: { projectId: "demo-insta", apiKey: "key", emulatorUrl: "http://127.0.0.1:7750" },
};

describe("settings", () => {
  it("are taken as they are, without slashes at the end", () => {
    expect(parseConfig(settings)).toEqual({
      authUrl: "http://127.0.0.1:7701",
      profileUrl: "https://profile.example.com",
      agentUrl: "http://127.0.0.1:7704",
      livekitUrl: "ws://127.0.0.1:7730",
      firebase: {
        projectId: "demo-insta",
        apiKey: "key",
        emulatorUrl: "http://127.0.0.1:7750",
        google: false,
      },
    });
  });

  it.each([
    ["nothing at all", undefined, /authUrl must be .*; profileUrl must be .*firebase\.apiKey must be/],
    [
      "a missing address",
      { ...settings, agentUrl: "" },
      /^\/config\.json: agentUrl must be a non-empty string$/,
    ],
    [
      "a wrong scheme",
      { ...settings, livekitUrl: "http://x" },
      /livekitUrl must begin with ws:\/\/ or wss:\/\/$/,
    ],
    [
      "a wrong emulator",
      { ...settings, firebase: { ...settings.firebase, emulatorUrl: "127.0.0.1:7750" } },
      /firebase\.emulatorUrl must begin with http:\/\/ or https:\/\/$/,
    ],
  ])("say what is wrong with %s", (_name, value, message) => {
    expect(() => parseConfig(value)).toThrow(message);
  });
});
