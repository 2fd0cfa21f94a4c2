/** What lies outside the page, in memory: the identity provider and the room of a call. */
import type { Identity, IdentityUser } from "../api/identity";
import type { CallRoom, RoomEvent, RoomViews, TurnStep } from "../features/call/call-room";

/** An identity provider with one account. */
export class FakeIdentity implements Identity {
  google = false;
  /** Thrown by whatever is asked next, once. */
  failNext: unknown;
  readonly resets: string[] = [];
  readonly idTokensFresh: boolean[] = [];
  #user: IdentityUser | undefined;
  readonly #listeners = new Set<(user: IdentityUser | undefined) => void>();

  constructor(user?: IdentityUser) {
    this.#user = user;
  }

  subscribe(listener: (user: IdentityUser | undefined) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#user);
    return () => this.#listeners.delete(listener);
  }

  async idToken(fresh: boolean): Promise<string> {
    this.#failIfAsked();
    this.idTokensFresh.push(fresh);
    return `id-token-of-${this.#user?.email}`;
  }

  async signIn(email: string): Promise<void> {
    this.#failIfAsked();
    this.#become({ email });
  }

  async createAccount(_name: string, email: string): Promise<void> {
    this.#failIfAsked();
    this.#become({ email });
  }

  async signInWithGoogle(): Promise<void> {
    this.#failIfAsked();
    this.#become({ email: "google@example.com" });
  }

  async sendPasswordReset(email: string): Promise<void> {
    this.#failIfAsked();
    this.resets.push(email);
  }

  async signOut(): Promise<void> {
    this.#become(undefined);
  }

  #become(user: IdentityUser | undefined): void {
    this.#user = user;
    for (const listener of this.#listeners) listener(user);
  }

  #failIfAsked(): void {
    const error = this.failNext;
    this.failNext = undefined;
    if (error) throw error;
  }
}

/** A room whose events the test makes. */
export class FakeRoom implements CallRoom {
  readonly views: RoomViews = { sound: () => null, agentVoice: () => null, microphoneLevel: () => null };
  microphone: () => Promise<void> = async () => undefined;
  joined: { url: string; token: string } | undefined;
  joining: () => Promise<void> = async () => undefined;
  muted = false;
  /** What the assistant was told of turns, and what it makes of it. */
  readonly turns: TurnStep[] = [];
  turning: () => Promise<void> = async () => undefined;
  leaves = 0;
  readonly #listeners = new Set<(event: RoomEvent) => void>();

  tell(event: RoomEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  subscribe(listener: (event: RoomEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  openMicrophone(): Promise<void> {
    return this.microphone();
  }

  async join(url: string, token: string): Promise<void> {
    this.joined = { url, token };
    await this.joining();
  }

  async setMuted(muted: boolean): Promise<void> {
    this.muted = muted;
  }

  async turn(step: TurnStep): Promise<void> {
    this.turns.push(step);
    await this.turning();
  }

  async startSound(): Promise<void> {
    this.tell({ kind: "sound", blocked: false });
  }

  async leave(): Promise<void> {
    this.leaves += 1;
    this.tell({ kind: "closed", cause: "hungUp" });
  }
}
