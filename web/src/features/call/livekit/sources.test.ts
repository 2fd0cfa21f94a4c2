import type { TextStreamReader } from "livekit-client";
import { describe, expect, it } from "vitest";
import type { Source } from "../transcript";
import { sourcesHandler } from "./sources";

/** What comes of a stream with this text. */
async function received(text: string | Error, from = "agent"): Promise<readonly Source[][]> {
  const told: Source[][] = [];
  const handler = sourcesHandler(
    (identity) => identity === "agent",
    (sources) => told.push([...sources]),
  );
  const readAll = async () => {
    if (text instanceof Error) throw text;
    return text;
  };
  await handler({ readAll } as unknown as TextStreamReader, { identity: from });
  return told;
}

const good = '{"tool_call_id":"c","sources":[{"document_id":"plans","title":"Plans and prices"}]}';

describe("sources", () => {
  it("come as the contract has them", async () => {
    expect(await received(good)).toEqual([[{ documentId: "plans", title: "Plans and prices" }]]);
  });

  it.each<[string, string | Error, string?]>([
    ["from somebody else", good, "ada"],
    ["that are no JSON", "sources: plans"],
    ["of another form", '{"sources":[{"document_id":1,"title":"x"},"plans",null]}'],
    ["that are none", '{"sources":[]}'],
    ["that never came whole", new Error("gone")],
  ])("%s are ignored", async (_name, text, from) => {
    expect(await received(text, from)).toEqual([]);
  });
});
