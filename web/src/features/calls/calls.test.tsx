import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { DurationSchema, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import {
  CallSchema,
  CallState,
  EndReason,
  HandOverSchema,
  Role,
  ToolStatus,
  type TurnSchema,
} from "../../gen/insta/agent/v1/call_pb";
import { failure } from "../../test/errors";
import { type Answers, renderApp } from "../../test/render-app";
import { navigate } from "../../ui/router";

const milliseconds = (value: number) => create(DurationSchema, { nanos: value * 1_000_000 });
const at = (second: number) => timestampFromDate(new Date(2026, 10, 23, 12, 0, second));

function recorded(number: number, turns: MessageInitShape<typeof TurnSchema>[] = []) {
  return create(CallSchema, {
    callId: `call-${number}`,
    state: CallState.ENDED,
    endReason: EndReason.USER_HANGUP,
    createTime: at(0),
    endTime: at(42),
    summary: `Summary ${number}`,
    turns,
  });
}

/** Opens `path` as someone who is signed in. */
async function openPage(path: string, agent: Answers["agent"]) {
  window.history.replaceState(null, "", path);
  renderApp({ agent });
  await screen.findByRole("navigation", { name: "Pages" });
}

describe("past calls", () => {
  it("are listed page by page", async () => {
    const asked: string[] = [];
    await openPage("/calls", {
      listCalls: ({ pageToken }) => {
        asked.push(pageToken);
        return pageToken === ""
          ? { calls: [recorded(3), recorded(2)], nextPageToken: "older" }
          : { calls: [recorded(1)] };
      },
    });
    expect(await screen.findByRole("link", { name: /Summary 3/ })).toHaveTextContent("0:42");
    await userEvent.click(screen.getByRole("button", { name: "Show older calls" }));
    expect(await screen.findByText("Summary 1")).toBeVisible();
    expect(screen.getAllByRole("listitem")).toHaveLength(3);
    expect(screen.queryByRole("button", { name: "Show older calls" })).not.toBeInTheDocument();
    expect(asked).toEqual(["", "older"]);
  });

  it("say so when there are none", async () => {
    await openPage("/calls", { listCalls: () => ({}) });
    expect(await screen.findByText("You have not called yet.")).toBeVisible();
    expect(screen.getByRole("link", { name: "Make a call" })).toBeVisible();
  });

  it("can be fetched again after a failure", async () => {
    let broken = true;
    await openPage("/calls", {
      listCalls: () => {
        if (broken) throw failure(Code.Internal, "");
        return { calls: [recorded(1)] };
      },
    });
    expect(await screen.findByRole("alert")).toHaveTextContent("Something went wrong on our side.");
    broken = false;
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByText("Summary 1")).toBeVisible();
  });
});

describe("a past call", () => {
  it("shows what was said, the tools, their sources and the times", async () => {
    const spoken: MessageInitShape<typeof TurnSchema>[] = [
      { index: 1, role: Role.USER, text: "How do I reset my password?" },
      {
        index: 2,
        role: Role.ASSISTANT,
        text: "Choose Forgot password.",
        interrupted: true,
        toolCalls: [
          {
            toolCallId: "t1",
            name: "search_knowledge",
            status: ToolStatus.OK,
            duration: milliseconds(120),
            sources: ["reset-password"],
          },
          { toolCallId: "t2", name: "send_fax", status: ToolStatus.TIMED_OUT },
        ],
        latency: { voiceToVoice: milliseconds(840), endOfTurnDelay: milliseconds(300) },
      },
    ];
    await openPage("/calls", {
      listCalls: () => ({ calls: [recorded(1)] }),
      getCall: ({ callId }) => {
        if (callId !== "call-1") throw failure(Code.NotFound, "CALL_NOT_FOUND");
        return { call: recorded(1, spoken) };
      },
    });
    await userEvent.click(await screen.findByRole("link", { name: /Summary 1/ }));
    expect(await screen.findByText("How do I reset my password?")).toBeVisible();
    expect(screen.getByText("You hung up")).toBeVisible();
    expect(screen.getByText("Summary 1")).toBeVisible();
    expect(screen.getByText("You interrupted here.")).toBeVisible();
    const tools = screen.getByRole("list", { name: "What the assistant did" });
    expect(tools).toHaveTextContent("Searched the help articles in 120 ms");
    expect(tools).toHaveTextContent("Send fax (took too long)");
    expect(within(tools).getByRole("list", { name: "Sources" })).toHaveTextContent("Reset password");
    expect(screen.getByText("Answered after 840 ms: noticed the end of your turn in 300 ms")).toBeVisible();
    expect(screen.getByRole("heading", { name: "Call", level: 1 })).toHaveFocus();
  });

  it("that was handed over says so", async () => {
    const call = recorded(1);
    call.endReason = EndReason.TOOL_LIMIT;
    call.handOver = create(HandOverSchema, { summary: "Wants a refund of the May invoice." });
    await openPage("/calls/call-1", { getCall: () => ({ call }) });
    expect(await screen.findByText("A colleague was asked to take over")).toBeVisible();
    expect(screen.getByText("Wants a refund of the May invoice.")).toBeVisible();
    expect(screen.getByText("The assistant could look up no more")).toBeVisible();
  });

  it("of someone else is not there", async () => {
    await openPage("/calls/call-9", {
      getCall: () => {
        throw failure(Code.NotFound, "CALL_NOT_FOUND");
      },
    });
    expect(await screen.findByRole("alert")).toHaveTextContent("There is no such call.");
  });
});

describe("an address that does not exist", () => {
  it("leads back", async () => {
    await openPage("/", {});
    navigate("/nowhere");
    expect(await screen.findByText(/There is no such page/)).toBeVisible();
  });
});
