/**
 * Carries a call out: microphone, `StartCall`, room, the waits for the assistant, and the clean-up whatever happens.
 * Views read `state` and press the buttons.
 */
import type { Client } from "@connectrpc/connect";
import { PageError } from "../../api/errors";
import type { AgentService } from "../../gen/insta/agent/v1/agent_service_pb";
import { CallState as RecordedState } from "../../gen/insta/agent/v1/call_pb";
import type { CallRoom, OpenRoom, RoomEvent, TurnStep } from "./call-room";
import { type CallState, canTalk, endCall, isReady, type LiveCall, onRoomEvent } from "./call-state";

/** How long the assistant may take to be ready, or to come back after leaving, in milliseconds. */
export const AGENT_DEADLINE_MS = 20_000;
/** How often it is asked whether a call whose assistant has left is over, in milliseconds. */
const ENDED_POLL_MS = 2_000;
/** Nobody says anything in a shorter time than this, in milliseconds. */
const MIN_TURN_MS = 300;

/** What is let go when a call is over or given up. */
interface Attempt {
  room?: CallRoom;
  callId?: string;
  over: boolean;
}

/** A turn for which the caller holds the button. */
interface HeldTurn {
  since: number;
  /** Whether the assistant has taken it; resolves when that is known. */
  taken: Promise<boolean>;
}

/** The call of this page: one at a time. */
export class CallControl {
  readonly #agent: Client<typeof AgentService>;
  readonly #openRoom: OpenRoom;
  readonly #listeners = new Set<() => void>();
  #state: CallState = { kind: "idle" };
  #attempt: Attempt | undefined;
  #held: HeldTurn | undefined;
  /** The assistant is told one thing after the other. */
  #told: Promise<unknown> = Promise.resolve();
  #agentDeadline: ReturnType<typeof setTimeout> | undefined;
  #endedPoll: ReturnType<typeof setInterval> | undefined;

  constructor(agent: Client<typeof AgentService>, openRoom: OpenRoom) {
    this.#agent = agent;
    this.#openRoom = openRoom;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Where the call stands; the same object until something changes. */
  readonly state = (): CallState => this.#state;

  /** Starts a call, unless there is one. */
  readonly start = async (): Promise<void> => {
    if (this.#state.kind === "starting" || this.#state.kind === "live") return;
    const attempt: Attempt = { over: false };
    this.#attempt = attempt;
    this.#set({ kind: "starting", step: "microphone" });
    try {
      await this.#connect(attempt);
    } catch (error) {
      if (attempt.over) return;
      this.#release(attempt, true);
      this.#set({ kind: "failed", error });
    }
  };

  /** Ends the call, or gives up starting it. */
  readonly hangUp = (): void => {
    const { kind } = this.#state;
    if (kind === "starting") {
      if (this.#attempt) this.#release(this.#attempt, true);
      this.#set({ kind: "idle" });
    } else if (this.#state.kind === "live") {
      this.#end(this.#state, "hungUp");
    }
  };

  /** Back from a call that is over to the button that starts one. */
  readonly dismiss = (): void => {
    if (this.#state.kind === "ended" || this.#state.kind === "failed") this.#set({ kind: "idle" });
  };

  readonly setMuted = async (muted: boolean): Promise<void> => {
    const call = this.#state;
    if (call.kind !== "live") return;
    try {
      await call.room.setMuted(muted);
      this.#change(call.room, (live) => ({ ...live, muted, microphoneWorking: true }));
    } catch {
      this.#change(call.room, (live) => ({ ...live, microphoneWorking: false }));
    }
  };

  /** Begins a turn that lasts until `stopTalking`. */
  readonly startTalking = (): void => {
    const call = this.#state;
    if (call.kind !== "live" || call.talking || !canTalk(call)) return;
    const taken = this.#tellTurn(call.room, "start_turn");
    const held = { since: performance.now(), taken };
    this.#held = held;
    this.#change(call.room, (live) => ({ ...live, talking: true, turnProblem: undefined }));
    void taken.then((isTaken) => {
      if (isTaken || this.#held !== held) return;
      this.#held = undefined;
      this.#change(call.room, (live) => ({ ...live, talking: false }));
    });
  };

  /** Ends that turn, to have it answered; one in which nothing can have been said is taken back. */
  readonly stopTalking = (): void => {
    const [call, held] = [this.#state, this.#held];
    if (call.kind !== "live" || !held) return;
    this.#held = undefined;
    const isTooShort = performance.now() - held.since < MIN_TURN_MS;
    this.#change(call.room, (live) => ({
      ...live,
      talking: false,
      turnProblem: isTooShort ? new PageError("TURN_TOO_SHORT") : live.turnProblem,
    }));
    void this.#tellTurn(call.room, isTooShort ? "cancel_turn" : "end_turn", held.taken);
  };

  readonly startSound = async (): Promise<void> => {
    const call = this.#state;
    // When it does not work the offer simply stays.
    if (call.kind === "live") await call.room.startSound().catch(() => undefined);
  };

  async #connect(attempt: Attempt): Promise<void> {
    const room = await this.#openRoom().catch((cause) => {
      throw new PageError("PAGE_OUTDATED", cause);
    });
    attempt.room = room;
    if (attempt.over) return void room.leave();
    // First the microphone: a call that nobody can speak in takes no place.
    await room.openMicrophone();
    if (attempt.over) return void room.leave();

    this.#set({ kind: "starting", step: "calling" });
    const { call, livekitUrl, participantToken } = await this.#agent.startCall({});
    attempt.callId = call?.callId ?? "";
    if (attempt.over) return this.#endOnServer(attempt.callId);

    this.#set({ kind: "starting", step: "joining" });
    // What happens while joining is kept until there is a live call to tell it to.
    const early: RoomEvent[] = [];
    let tell = (event: RoomEvent): void => void early.push(event);
    room.subscribe((event) => tell(event));
    await room.join(livekitUrl, participantToken);
    if (attempt.over) return;

    tell = (event) => this.#change(room, (live) => onRoomEvent(live, event, Date.now()));
    this.#set({
      kind: "live",
      callId: attempt.callId,
      room,
      startedAt: Date.now(),
      agent: "connecting",
      answered: false,
      connection: "connected",
      muted: false,
      pushToTalk: false,
      talking: false,
      turnProblem: undefined,
      soundBlocked: false,
      microphoneWorking: true,
      lines: [],
      sources: [],
    });
    early.forEach(tell);
  }

  /** Ends a live call from this side. */
  #end(call: LiveCall, cause: "hungUp" | "agentLost" | "ended"): void {
    const attempt = this.#attempt;
    // Leaving the room ends the call; without an assistant in it nobody would notice.
    if (attempt) this.#release(attempt, !isReady(call.agent));
    if (cause === "agentLost" && !call.answered) {
      this.#set({ kind: "failed", error: new PageError("AGENT_DID_NOT_JOIN") });
    } else {
      this.#set(endCall(call, cause, Date.now()));
    }
  }

  #change(room: CallRoom, change: (call: LiveCall) => CallState): void {
    if (this.#state.kind !== "live" || this.#state.room !== room) return;
    const next = change(this.#state);
    if (next.kind !== "live" && this.#attempt) this.#release(this.#attempt, false);
    this.#set(next);
  }

  /** Resolves with whether the assistant has taken it; shows why not. Of a turn that it has not taken nothing is told. */
  #tellTurn(room: CallRoom, step: TurnStep, begun?: Promise<boolean>): Promise<boolean> {
    const tell = async () => {
      if (begun && !(await begun)) return false;
      try {
        await room.turn(step);
        return true;
      } catch (turnProblem) {
        this.#change(room, (live) => ({ ...live, turnProblem }));
        return false;
      }
    };
    const told = this.#told.then(tell);
    this.#told = told;
    return told;
  }

  #release(attempt: Attempt, endOnServer: boolean): void {
    attempt.over = true;
    if (this.#attempt === attempt) this.#attempt = undefined;
    this.#held = undefined;
    this.#told = Promise.resolve();
    void attempt.room?.leave();
    if (endOnServer && attempt.callId) this.#endOnServer(attempt.callId);
  }

  #endOnServer(callId: string): void {
    // A call that nobody is in ends by itself as well; this only frees its place sooner.
    this.#agent.endCall({ callId }).catch(() => undefined);
  }

  #set(state: CallState): void {
    this.#state = state;
    this.#watchAgent();
    for (const listener of this.#listeners) listener();
  }

  /** Keeps the two timers in step with the state: the deadline for the assistant, and the question where it went. */
  #watchAgent(): void {
    const call = this.#state;
    // Once the assistant has answered, it is missing only when it is gone.
    const missing =
      call.kind === "live" && (call.answered ? call.agent === "connecting" : !isReady(call.agent));
    const waiting = missing && call.connection === "connected";
    if (!waiting) {
      clearTimeout(this.#agentDeadline);
      this.#agentDeadline = undefined;
    } else {
      this.#agentDeadline ??= setTimeout(() => this.#agentMissing("agentLost"), AGENT_DEADLINE_MS);
    }
    const left = waiting && call.answered;
    if (!left) {
      clearInterval(this.#endedPoll);
      this.#endedPoll = undefined;
    } else if (!this.#endedPoll) {
      const ask = () => void this.#askWhetherEnded(call.callId);
      this.#endedPoll = setInterval(ask, ENDED_POLL_MS);
      ask();
    }
  }

  #agentMissing(cause: "agentLost" | "ended"): void {
    if (this.#state.kind === "live") this.#end(this.#state, cause);
  }

  async #askWhetherEnded(callId: string): Promise<void> {
    const answer = await this.#agent.getCall({ callId }).catch(() => undefined);
    const call = this.#state;
    const stillGone = call.kind === "live" && call.callId === callId && call.agent === "connecting";
    if (stillGone && answer?.call?.state === RecordedState.ENDED) this.#agentMissing("ended");
  }
}
