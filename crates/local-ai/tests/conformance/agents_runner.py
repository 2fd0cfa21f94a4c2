"""The OpenAI Agents SDK's realtime runner: a typed question, a spoken one, and a barge-in, with a tool. It
validates every event strictly and tells each one that it cannot take as an error."""

import asyncio
import logging
import os
from contextlib import asynccontextmanager

os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"

from agents import function_tool  # noqa: E402
from agents.realtime import RealtimeAgent, RealtimeRunner  # noqa: E402

from checks import BYTES_A_SECOND, PATIENCE, check, chunks, hear, realtime_url, run, say, shown, silence  # noqa: E402

LONG = " ".join(f"This is sentence number {n} of a long story." for n in range(1, 13))
complaints: list[str] = []


class Complaints(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        complaints.append(record.getMessage())


logging.getLogger("openai.agents").addHandler(Complaints(logging.WARNING))


class Conversation:
    """What the runner tells, looked through for errors as it comes."""

    def __init__(self, session) -> None:
        self.session = session
        self.events = aiter(session)

    async def until(self, last) -> list:
        """Events up to the one for which `last` holds."""
        seen = []
        while not seen or not last(seen[-1]):
            event = await asyncio.wait_for(anext(self.events), PATIENCE)
            check(event.type != "error", f"the runner complains: {getattr(event, 'error', None)}")
            check(not (event.type == "raw_model_event" and event.data.type in ("error", "exception")), event)
            check(not complaints, f"the runner complains: {complaints}")
            seen.append(event)
        return seen

    async def answer(self) -> list:
        """Events up to the end of a turn that has said something."""
        spoken = await self.until(lambda event: event.type == "audio")
        return spoken + await self.until(lambda event: event.type == "agent_end")

    async def speak(self, samples: bytes) -> None:
        for chunk in chunks(samples):
            await self.session.send_audio(chunk)


@asynccontextmanager
async def conversation(instructions: str, **settings):
    calls = []

    @function_tool
    def get_account() -> str:
        """Looks up the caller's own account: name, subscription plan and facts."""
        calls.append("get_account")
        return '{"name": "Ada", "subscription_tier": "enterprise"}'

    agent = RealtimeAgent(name="Iris", instructions=instructions, tools=[get_account])
    config = {"url": realtime_url(), "api_key": "any", "initial_model_settings": settings}
    async with await RealtimeRunner(agent).run(model_config=config) as session:
        yield Conversation(session), calls


def kinds(events: list) -> list[str]:
    return [event.type for event in events if event.type != "raw_model_event"]


def sound_of(events: list) -> bytes:
    return b"".join(event.audio.data for event in events if event.type == "audio")


def transcripts(events: list, role: str) -> str:
    """What the history holds of one side in the end."""
    histories = [event.history for event in events if event.type == "history_updated"]
    content = [part for item in histories[-1] if getattr(item, "role", None) == role for part in item.content]
    return " ".join(getattr(part, "transcript", None) or getattr(part, "text", None) or "" for part in content)


async def typed():
    async with conversation("You are Iris, a voice assistant.") as (talk, calls):
        await talk.session.send_message("What plan am I on?")
        events = await talk.answer()
        check(calls == ["get_account"], f"tool calls: {calls}")
        check({"tool_start", "tool_end", "audio", "audio_end"} <= set(kinds(events)), kinds(events))
        check("enterprise" in hear(sound_of(events)), "the sound does not tell the plan")
        check("enterprise" in transcripts(events, "assistant").lower(), transcripts(events, "assistant"))
    shown("a typed question: the tool runs, its value is spoken and in the history")


async def spoken():
    async with conversation("You are Iris, a voice assistant.") as (talk, calls):
        await talk.speak(silence(0.5) + say("What plan am I on?") + silence(5))
        events = await talk.answer()
        check(calls == ["get_account"], f"tool calls: {calls}")
        check("enterprise" in hear(sound_of(events)), "the sound does not tell the plan")
        check("plan" in transcripts(events, "user").lower(), transcripts(events, "user"))
    shown("a spoken question under the runner's own semantic_vad: heard, the tool runs, its value is spoken")


async def barge_in():
    detection = {"type": "server_vad", "interrupt_response": True}
    async with conversation(f'Say exactly: "{LONG}"', turn_detection=detection) as (talk, _):
        await talk.session.send_message("Tell me a story.")
        await talk.until(lambda event: event.type == "audio")
        await talk.speak(silence(0.2) + say("Stop, please."))
        events = await talk.until(lambda event: event.type == "audio_interrupted")

        def is_truncated(event) -> bool:
            if event.type != "raw_model_event" or event.data.type != "raw_server_event":
                return False
            return event.data.data["type"] == "conversation.item.truncated"

        events += await talk.until(is_truncated)
        check(len(sound_of(events)) < 20 * BYTES_A_SECOND, "the whole story was told")
        await talk.speak(silence(1))
        check(sound_of(await talk.answer()), "the next turn is answered")
    shown("a barge-in: playback is interrupted, the item truncated, the next turn answered")


run(typed, spoken, barge_in)
