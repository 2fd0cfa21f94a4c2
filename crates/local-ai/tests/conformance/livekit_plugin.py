"""LiveKit Agents with its openai plugin: a whole AgentSession, with audio in and out as in a room, over
RealtimeModel. A typed question and a spoken one with a tool, an interruption, a handoff of the context."""

import asyncio
import logging
import time

from livekit import rtc
from livekit.agents import Agent, AgentSession, function_tool
from livekit.agents.voice import io
from livekit.plugins import openai
from openai.types.realtime import AudioTranscription

from checks import BYTES_A_SECOND, PATIENCE, SAMPLE_RATE, check, chunks, hear, run, say, shown, silence

LONG = " ".join(f"This is sentence number {n} of a long story." for n in range(1, 13))
complaints: list[str] = []


class Complaints(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        complaints.append(record.getMessage())


logging.getLogger("livekit").addHandler(Complaints(logging.ERROR))


class Microphone(io.AudioInput):
    """Hands out what is spoken, or silence, at the pace of the clock."""

    def __init__(self) -> None:
        super().__init__(label="microphone")
        self.waiting: list[bytes] = []
        self.next_at = time.monotonic()

    def speak(self, samples: bytes) -> None:
        self.waiting += chunks(samples, 0.05)

    async def __anext__(self) -> rtc.AudioFrame:
        await asyncio.sleep(self.next_at - time.monotonic())
        self.next_at += 0.05
        samples = (self.waiting.pop(0) if self.waiting else b"").ljust(2_400, b"\0")
        return rtc.AudioFrame(samples, SAMPLE_RATE, 1, len(samples) // 2)


class Loudspeaker(io.AudioOutput):
    """Plays at the pace of the clock into a list."""

    def __init__(self) -> None:
        super().__init__(
            label="loudspeaker", capabilities=io.AudioOutputCapabilities(pause=False), sample_rate=SAMPLE_RATE
        )
        self.played = b""
        self.interrupted = 0
        self._segment = b""
        self._begun = 0.0
        self._end: asyncio.TimerHandle | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        if not self._segment:
            self._begun = time.monotonic()
            self.on_playback_started(created_at=time.time())
        self._segment += bytes(frame.data)

    def flush(self) -> None:
        super().flush()
        if self._segment:
            left = self._begun + len(self._segment) / BYTES_A_SECOND - time.monotonic()
            self._end = asyncio.get_running_loop().call_later(max(left, 0), self._finish, False)

    def clear_buffer(self) -> None:
        if self._segment:
            self._finish(True)

    def _finish(self, interrupted: bool) -> None:
        if self._end:
            self._end.cancel()
        seconds = min(time.monotonic() - self._begun, len(self._segment) / BYTES_A_SECOND)
        self.played += self._segment[: int(seconds * SAMPLE_RATE) * 2]
        self.interrupted += interrupted
        self._segment, self._end = b"", None
        self.on_playback_finished(playback_position=seconds, interrupted=interrupted)


class Iris(Agent):
    def __init__(self, instructions: str = "You are Iris, a voice assistant.") -> None:
        super().__init__(instructions=instructions)
        self.calls: list[str] = []

    @function_tool
    async def get_account(self) -> dict:
        """Looks up the caller's own account: name, subscription plan and facts."""
        self.calls.append("get_account")
        return {"name": "Ada", "subscription_tier": "enterprise"}


class Successor(Agent):
    def __init__(self) -> None:
        super().__init__(instructions='Say exactly: "I have taken over."')

    async def on_enter(self) -> None:
        self.session.generate_reply()


class Room:
    """A session with a microphone and a loudspeaker, and what it has told."""

    def __init__(self) -> None:
        self.model = openai.realtime.RealtimeModel(
            model="local-realtime", input_audio_transcription=AudioTranscription(model="moonshine-tiny-en")
        )
        # Echo warm-up would drop the microphone during the first speech, as in a room with a real one.
        self.session = AgentSession(llm=self.model, aec_warmup_duration=None)
        self.microphone, self.loudspeaker = Microphone(), Loudspeaker()
        self.session.input.audio, self.session.output.audio = self.microphone, self.loudspeaker
        self.heard: list[str] = []
        self.said: list = []
        self.session.on("user_input_transcribed", self._heard)
        self.session.on("conversation_item_added", self._added)
        self.session.on("error", lambda event: complaints.append(str(event.error)))

    def _heard(self, event) -> None:
        if event.is_final:
            self.heard.append(event.transcript)

    def _added(self, event) -> None:
        if getattr(event.item, "role", None) == "assistant":
            self.said.append(event.item)

    async def until(self, what: str, condition) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            check(time.monotonic() < deadline, f"{what}: heard {self.heard}, said {self.said}")
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        await self.session.aclose()
        await self.model.aclose()
        check(not complaints, complaints)


async def tool():
    room, agent = Room(), Iris()
    await room.session.start(agent)
    speech = room.session.generate_reply(user_input="What plan am I on?")
    await asyncio.wait_for(speech, PATIENCE)
    check(agent.calls == ["get_account"], f"tool calls: {agent.calls}")
    text = room.said[-1].text_content if room.said else ""
    check("enterprise" in text.lower(), text)
    check("enterprise" in hear(room.loudspeaker.played), "the sound does not tell the plan")
    history = [item.type for item in room.session.history.items]
    check({"function_call", "function_call_output"} <= set(history), history)
    await room.close()
    shown("a typed question: the tool runs, its value is said and played")


async def spoken():
    room, agent = Room(), Iris()
    await room.session.start(agent)
    room.microphone.speak(silence(0.5) + say("What plan am I on?"))
    await room.until("an answer", lambda: room.said and room.session.agent_state == "listening")
    check("plan" in " ".join(room.heard).lower(), room.heard)
    check(agent.calls == ["get_account"], f"tool calls: {agent.calls}")
    check("enterprise" in hear(room.loudspeaker.played), "the sound does not tell the plan")
    await room.close()
    shown(f"a spoken question under the plugin's own semantic_vad: {room.heard[-1]!r}, the tool runs, its value is played")


async def interruption():
    room = Room()
    await room.session.start(Iris(f'Say exactly: "{LONG}"'))
    speech = room.session.generate_reply()
    await room.until("a story", lambda: room.session.agent_state == "speaking")
    await asyncio.sleep(1)
    room.microphone.speak(say("Stop, please, that is enough."))
    await asyncio.wait_for(speech, PATIENCE)
    check(speech.interrupted and room.loudspeaker.interrupted == 1, "the story was told to its end")
    check(len(room.loudspeaker.played) < 10 * BYTES_A_SECOND, "most of the story was played")
    await room.until("the next answer", lambda: room.session.agent_state == "speaking")
    await room.close()
    shown("an interruption: speech stops, the item is truncated, the next turn is answered")


async def handoff():
    room = Room()
    await room.session.start(Iris())
    await asyncio.wait_for(room.session.generate_reply(user_input="Hello!"), PATIENCE)
    room.session.update_agent(Successor())
    await room.until("the other agent", lambda: "taken over" in room.said[-1].text_content)
    await room.close()
    shown("a handoff: another agent goes on, with other instructions")


run(tool, spoken, interruption, handoff)
