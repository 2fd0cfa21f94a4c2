import { Code } from "@connectrpc/connect";
import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { PageError } from "../../api/errors";
import { CallState } from "../../gen/insta/agent/v1/call_pb";
import { failure } from "../../test/errors";
import type { FakeRoom } from "../../test/fakes";
import { type Answers, renderApp } from "../../test/render-app";
import { AGENT_DEADLINE_MS } from "./call-control";
import type { RoomEvent } from "./call-room";

type AgentAnswers = NonNullable<Answers["agent"]>;

/** Opens the page with an agent-svc that takes calls, and notes those it is asked to end. */
function open(answers: AgentAnswers = {}) {
  const ended: string[] = [];
  const page = renderApp({
    agent: {
      startCall: () => ({
        call: { callId: "call-1" },
        livekitUrl: "ws://livekit.test",
        participantToken: "participant",
      }),
      endCall: ({ callId }) => {
        ended.push(callId);
        return {};
      },
      ...answers,
    },
  });
  return { ...page, ended };
}

const press = async (name: string) => userEvent.click(await screen.findByRole("button", { name }));
const callRegion = () => screen.getByRole("region", { name: "Call" });
const tell = (room: FakeRoom, ...events: RoomEvent[]) =>
  act(async () => {
    for (const event of events) room.tell(event);
  });
const listening: RoomEvent = { kind: "agent", state: "listening" };

/** Opens the page and calls until the room is joined. */
async function joined(answers?: AgentAnswers) {
  const page = open(answers);
  await press("Call");
  await screen.findByRole("button", { name: "Hang up" });
  return page;
}

describe("a call", () => {
  it("opens the microphone, starts, joins the room it is told, and shows what the assistant does", async () => {
    const { room } = await joined();
    expect(room.joined).toEqual({ url: "ws://livekit.test", token: "participant" });
    expect(callRegion()).toHaveAttribute("data-agent-state", "connecting");
    for (const [state, words] of [
      ["initializing", "Getting ready…"],
      ["listening", "Listening"],
      ["thinking", "Thinking…"],
      ["speaking", "Speaking"],
    ] as const) {
      await tell(room, { kind: "agent", state });
      expect(callRegion()).toHaveAttribute("data-agent-state", state);
      expect(screen.getByRole("status")).toHaveTextContent(words);
    }
  });

  it("shows what both sides say, unfinished words apart from what is read out", async () => {
    const { room } = await joined();
    const update = { segmentId: "u", stream: 1, speaker: "user", text: "What plan", final: false } as const;
    await tell(room, listening, { kind: "transcript", update });
    const log = screen.getByRole("log", { name: "Transcript" });
    expect(log).toHaveAttribute("aria-live", "polite");
    expect(screen.getByText("What plan").closest("li")).toHaveAttribute("aria-hidden", "true");
    await tell(room, {
      kind: "transcript",
      update: { ...update, stream: 2, text: "What plan am I on?", final: true },
    });
    expect(screen.getByRole("listitem")).toHaveTextContent("YouWhat plan am I on?");
  });

  it("shows what an answer rests on, under the words that began after it came", async () => {
    const { room } = await joined();
    const says = (segmentId: string, text: string, final = false) =>
      ({
        kind: "transcript",
        update: { segmentId, stream: 1, speaker: "agent", text, final },
      }) as const;
    const plans = { documentId: "plans", title: "Plans and prices" };
    await tell(room, listening, says("filler", "One moment."));
    await tell(room, { kind: "sources", sources: [plans] });
    await tell(room, { kind: "sources", sources: [plans, { documentId: "refunds", title: "Refunds" }] });
    await tell(room, says("filler", "One moment, please.", true), says("a", "Pro costs"));
    await tell(room, says("a", "Pro costs ten.", true), says("b", "Anything else?", true));
    const lists = screen.getAllByRole("list", { name: "Sources" });
    expect(lists.map((list) => list.closest("li")?.getAttribute("data-segment-id"))).toEqual(["a"]);
    expect(lists[0]).toHaveTextContent("Plans and pricesRefunds");
  });

  it("can be made and ended by keyboard alone", async () => {
    const user = userEvent.setup();
    const { room } = open();
    (await screen.findByRole("button", { name: "Call" })).focus();
    await user.keyboard("{Enter}");
    await screen.findByRole("button", { name: "Hang up" });
    await tell(room, listening);
    await user.tab();
    expect(screen.getByRole("button", { name: "Mute" })).toHaveFocus();
    await user.tab();
    await user.keyboard("{Enter}");
    expect(await screen.findByText("You hung up.")).toBeVisible();
    await user.tab();
    expect(screen.getByRole("button", { name: "Call" })).toHaveFocus();
  });

  it("leaves the focus to who reaches the button the moment it is there", async () => {
    const reached = new MutationObserver(() => screen.queryByRole("button", { name: "Call" })?.focus());
    reached.observe(document.body, { childList: true, subtree: true });
    open();
    const button = await screen.findByRole("button", { name: "Call" });
    reached.disconnect();
    await new Promise((later) => setTimeout(later, 50));
    expect(button).toHaveFocus();
  });

  it("mutes and unmutes the microphone", async () => {
    const { room } = await joined();
    await press("Mute");
    expect(room.muted).toBe(true);
    expect(await screen.findByRole("button", { name: "Unmute", pressed: true })).toBeVisible();
    await press("Unmute");
    expect(room.muted).toBe(false);
  });

  it("is hung up by leaving the room, and keeps its words on the page", async () => {
    const { room, ended } = await joined();
    const update = { segmentId: "a", stream: 1, speaker: "agent", text: "Hello.", final: true } as const;
    await tell(room, listening, { kind: "transcript", update });
    await press("Hang up");
    expect(await screen.findByText("You hung up.")).toBeVisible();
    expect(room.leaves).toBe(1);
    expect(ended).toEqual([]);
    expect(screen.getByText("Hello.")).toBeVisible();
    expect(screen.getByRole("link", { name: "See this call on record" })).toHaveAttribute(
      "href",
      "/calls/call-1",
    );
  });

  it("goes on while another page is shown, and can be hung up there", async () => {
    const { room } = await joined({ listCalls: () => ({}) });
    await tell(room, listening);
    await userEvent.click(screen.getByRole("link", { name: "Past calls" }));
    expect(await screen.findByText("On a call")).toBeVisible();
    expect(room.leaves).toBe(0);
    await press("Hang up");
    expect(room.leaves).toBe(1);
  });

  it("says where one is that it was lost while another page was shown", async () => {
    const { room } = await joined({ listCalls: () => ({}) });
    await tell(room, listening);
    await userEvent.click(screen.getByRole("link", { name: "Past calls" }));
    await tell(room, { kind: "closed", cause: "lost" });
    expect(screen.getByText("The connection was lost and could not be restored.")).toBeVisible();
    await press("Dismiss");
    expect(screen.queryByText(/could not be restored/)).not.toBeInTheDocument();
  });

  it("is left when its person signs out", async () => {
    const { room, ended } = await joined();
    await press("Sign out");
    await screen.findByRole("form", { name: "Sign in" });
    expect(room.leaves).toBeGreaterThan(0);
    expect(ended).toEqual(["call-1"]);
  });

  it("ends when the other side ends it", async () => {
    const { room } = await joined();
    await tell(room, listening, { kind: "closed", cause: "ended" });
    expect(screen.getByText("The call has ended.")).toBeVisible();
    expect(screen.getByRole("button", { name: "Call" })).toBeVisible();
  });

  it("says that the connection is lost, that it came back, and that it is gone for good", async () => {
    const { room } = await joined();
    await tell(room, listening, { kind: "connection", state: "reconnecting" });
    expect(screen.getByText("The connection was lost. It is being restored.")).toBeVisible();
    await tell(room, { kind: "connection", state: "connected" });
    expect(screen.queryByText(/being restored/)).not.toBeInTheDocument();
    await tell(room, { kind: "closed", cause: "lost" });
    expect(screen.getByRole("alert")).toHaveTextContent("The connection was lost and could not be restored.");
    await press("Call");
    expect(await screen.findByRole("button", { name: "Hang up" })).toBeVisible();
  });

  it("offers to turn on sound that the browser holds back", async () => {
    const { room } = await joined();
    await tell(room, listening, { kind: "sound", blocked: true });
    await press("Turn sound on");
    await waitFor(() =>
      expect(screen.queryByRole("button", { name: "Turn sound on" })).not.toBeInTheDocument(),
    );
  });

  it("says that the microphone has stopped", async () => {
    const { room } = await joined();
    await tell(room, listening, { kind: "microphone", working: false });
    expect(screen.getByText(/Your microphone has stopped/)).toBeVisible();
  });
});

describe("push to talk", () => {
  const talkButton = () => screen.findByRole("button", { name: "Hold to talk" });
  const hold = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

  /** A call that is listening, whose turns need the button. */
  async function withButton() {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const { room } = await joined();
    await tell(room, listening, { kind: "pushToTalk", on: true });
    const user = userEvent.setup({ advanceTimers: vi.advanceTimersByTime });
    return { room, user, button: await talkButton() };
  }

  it("has no button where the assistant hears when somebody speaks", async () => {
    const { room } = await joined();
    await tell(room, listening, { kind: "pushToTalk", on: false });
    expect(screen.queryByRole("button", { name: "Hold to talk" })).not.toBeInTheDocument();
    expect(screen.getByRole("button", { name: "Mute" })).toBeVisible();
  });

  it("makes a turn of what is said while the button is held with the pointer", async () => {
    const { room, user, button } = await withButton();
    expect(button).toHaveAttribute("aria-pressed", "false");
    expect(button).toHaveAccessibleDescription(/Nothing else you say is heard/);
    expect(screen.getByRole("status")).toHaveTextContent("Your turn");
    await user.pointer({ keys: "[MouseLeft>]", target: button });
    expect(button).toHaveAttribute("aria-pressed", "true");
    expect(screen.getByRole("status")).toHaveTextContent("Listening…");
    expect(room.turns).toEqual(["start_turn"]);
    await hold(1_000);
    await user.pointer("[/MouseLeft]");
    expect(button).toHaveAttribute("aria-pressed", "false");
    await waitFor(() => expect(room.turns).toEqual(["start_turn", "end_turn"]));
  });

  it.each(["Space", "Enter"])("takes the keyboard for it, however often the key repeats: %s", async (key) => {
    const { room, user, button } = await withButton();
    button.focus();
    await user.keyboard(`[${key}>3]`);
    expect(button).toHaveAttribute("aria-pressed", "true");
    await hold(1_000);
    await user.keyboard(`[/${key}]`);
    await waitFor(() => expect(room.turns).toEqual(["start_turn", "end_turn"]));
  });

  it.each([
    ["blur", (button: HTMLElement) => fireEvent.blur(button)],
    ["a pointer that is taken away", (button: HTMLElement) => fireEvent.lostPointerCapture(button)],
    ["a gesture of the browser", (button: HTMLElement) => fireEvent.pointerCancel(button)],
  ])("ends the turn once, whatever else ends the holding: %s", async (_, lose) => {
    const { room, user, button } = await withButton();
    await user.pointer({ keys: "[MouseLeft>]", target: button });
    await hold(1_000);
    lose(button);
    await user.pointer("[/MouseLeft]");
    await waitFor(() => expect(room.turns).toEqual(["start_turn", "end_turn"]));
    expect(button).toHaveAttribute("aria-pressed", "false");
  });

  it("takes back a turn in which nothing can have been said, and says how it is done", async () => {
    const { room, user, button } = await withButton();
    await user.pointer([{ keys: "[MouseLeft>]", target: button }, { keys: "[/MouseLeft]" }]);
    await waitFor(() => expect(room.turns).toEqual(["start_turn", "cancel_turn"]));
    expect(screen.getByRole("alert")).toHaveTextContent("Hold the button for as long as you speak.");
    await user.pointer({ keys: "[MouseLeft>]", target: button });
    expect(screen.queryByRole("alert")).not.toBeInTheDocument();
  });

  it("says plainly that a turn was not taken, and lets the next one be", async () => {
    const { room, user, button } = await withButton();
    room.turning = () => Promise.reject(new PageError("TURN_NOT_TAKEN"));
    await user.pointer({ keys: "[MouseLeft>]", target: button });
    expect(await screen.findByRole("alert")).toHaveTextContent("The assistant did not notice the button.");
    expect(button).toHaveAttribute("aria-pressed", "false");
    await hold(1_000);
    await user.pointer("[/MouseLeft]");
    expect(room.turns).toEqual(["start_turn"]);
    room.turning = async () => undefined;
    await user.pointer({ keys: "[MouseLeft>]", target: button });
    expect(button).toHaveAttribute("aria-pressed", "true");
    expect(screen.queryByRole("alert")).not.toBeInTheDocument();
  });

  it("tells the assistant of turns in their order, however slow it is", async () => {
    const { room, user, button } = await withButton();
    let answer = () => {};
    room.turning = () => new Promise((resolve) => (answer = resolve));
    await user.pointer({ keys: "[MouseLeft>]", target: button });
    await hold(1_000);
    await user.pointer([{ keys: "[/MouseLeft]" }, { keys: "[MouseLeft>]", target: button }]);
    expect(room.turns).toEqual(["start_turn"]);
    for (const expected of [
      ["start_turn", "end_turn"],
      ["start_turn", "end_turn", "start_turn"],
    ]) {
      answer();
      await waitFor(() => expect(room.turns).toEqual(expected));
    }
    expect(button).toHaveAttribute("aria-pressed", "true");
  });

  it("does nothing while the assistant cannot hear it", async () => {
    const { room, user, button } = await withButton();
    for (const event of [
      { kind: "connection", state: "reconnecting" },
      { kind: "agent", state: "initializing" },
    ] as const) {
      await tell(room, event);
      expect(button).toHaveAttribute("aria-disabled", "true");
      await user.pointer([{ keys: "[MouseLeft>]", target: button }, { keys: "[/MouseLeft]" }]);
      await tell(room, { kind: "connection", state: "connected" });
    }
    expect(room.turns).toEqual([]);
  });
});

describe("a call that does not come about", () => {
  it.each([
    ["MICROPHONE_DENIED", "This page may not use your microphone."],
    ["MICROPHONE_MISSING", "No microphone was found."],
  ] as const)("takes no place: %s", async (reason, words) => {
    const startCall = vi.fn(() => ({}));
    const { room } = open({ startCall });
    room.microphone = () => Promise.reject(new PageError(reason));
    await press("Call");
    expect(await screen.findByRole("alert")).toHaveTextContent(words);
    expect(startCall).not.toHaveBeenCalled();
    room.microphone = async () => undefined;
    await press("Try again");
    await waitFor(() => expect(startCall).toHaveBeenCalledOnce());
  });

  it.each([
    [Code.ResourceExhausted, "NO_CAPACITY", "All assistants are busy right now."],
    [Code.Unavailable, "PROVIDER_UNAVAILABLE", "The assistant cannot talk at the moment."],
  ])("can be tried again after the wait that is asked for: %s %s", async (code, reason, words) => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    let busy = true;
    open({
      startCall: () => {
        if (busy) throw failure(code, reason, 3);
        return { call: { callId: "call-2" } };
      },
    });
    await press("Call");
    expect(await screen.findByRole("alert")).toHaveTextContent(words);
    expect(screen.getByRole("button", { name: "Try again in 3 s" })).toBeDisabled();
    busy = false;
    await act(() => vi.advanceTimersByTimeAsync(3_250));
    await press("Try again");
    expect(await screen.findByRole("button", { name: "Hang up" })).toBeVisible();
  });

  it("is ended on the server when the room cannot be joined", async () => {
    const { room, ended } = open();
    room.joining = () => Promise.reject(new PageError("ROOM_UNREACHABLE"));
    await press("Call");
    expect(await screen.findByRole("alert")).toHaveTextContent("The call could not be connected.");
    await waitFor(() => expect(ended).toEqual(["call-1"]));
  });

  it("is ended on the server when it is cancelled before it is joined", async () => {
    const { room, ended } = open();
    room.joining = () => new Promise(() => undefined);
    await press("Call");
    await screen.findByText("Connecting…");
    await press("Cancel");
    expect(await screen.findByRole("button", { name: "Call" })).toBeVisible();
    await waitFor(() => expect(ended).toEqual(["call-1"]));
    expect(room.leaves).toBe(1);
  });

  it("is ended on the server when it is cancelled while it is being started", async () => {
    let answer = (_: { call: { callId: string } }) => {};
    const { room, ended } = open({ startCall: () => new Promise((resolve) => (answer = resolve)) });
    await press("Call");
    await screen.findByText("Calling…");
    await press("Cancel");
    answer({ call: { callId: "call-late" } });
    await waitFor(() => expect(ended).toEqual(["call-late"]));
    expect(room.joined).toBeUndefined();
  });

  it("fails when the assistant is not there in time", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const { room, ended } = await joined();
    await tell(room, { kind: "agent", state: "initializing" });
    await act(() => vi.advanceTimersByTimeAsync(AGENT_DEADLINE_MS));
    expect(screen.getByRole("alert")).toHaveTextContent("The assistant did not answer.");
    expect(room.leaves).toBe(1);
    expect(ended).toEqual(["call-1"]);
  });
});

describe("an assistant that leaves", () => {
  it("is waited for, and welcome back", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const { room } = await joined({ getCall: () => ({ call: { state: CallState.ACTIVE } }) });
    await tell(room, listening, { kind: "agent", state: "connecting" });
    expect(screen.getByRole("status")).toHaveTextContent("Waiting for the assistant…");
    await act(() => vi.advanceTimersByTimeAsync(AGENT_DEADLINE_MS / 2));
    await tell(room, listening);
    await act(() => vi.advanceTimersByTimeAsync(AGENT_DEADLINE_MS));
    expect(callRegion()).toHaveAttribute("data-agent-state", "listening");
  });

  it("is given up after a while", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const { room } = await joined({ getCall: () => ({ call: { state: CallState.ACTIVE } }) });
    await tell(room, listening, { kind: "agent", state: "connecting" });
    await act(() => vi.advanceTimersByTimeAsync(AGENT_DEADLINE_MS));
    expect(screen.getByRole("alert")).toHaveTextContent("The assistant was lost and did not come back.");
  });

  it("has ended the call when the record says so", async () => {
    const { room } = await joined({ getCall: () => ({ call: { state: CallState.ENDED } }) });
    await tell(room, listening, { kind: "agent", state: "connecting" });
    expect(await screen.findByText("The call has ended.")).toBeVisible();
  });
});
