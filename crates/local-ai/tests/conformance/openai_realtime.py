"""openai-python's Realtime client, each event of every session held to the protocol. What was received is
recorded for other parsers in the file that RECORDING names."""

import asyncio
import base64
import os
from contextlib import asynccontextmanager

from openai import AsyncOpenAI

from checks import PATIENCE, check, chunks, hear, run, say, shown, silence
from protocol import Watch

ACCOUNT = {
    "type": "function",
    "name": "get_account",
    "description": "Looks up the caller's own account: name, subscription plan and facts.",
    "parameters": {"type": "object", "properties": {}},
}
LONG = "Here is everything there is to say. " + " ".join(
    f"This is sentence number {n} of a long story." for n in range(1, 13)
)
MANUAL = {"audio": {"input": {"turn_detection": None}}}
recording = open(os.environ["RECORDING"], "w") if os.environ.get("RECORDING") else None


class Session:
    """A connection whose every event is checked before it is handed on."""

    def __init__(self, connection) -> None:
        self.use = connection
        self.watch = Watch()

    async def next(self):
        raw = await asyncio.wait_for(self.use.recv_bytes(), PATIENCE)
        if recording:
            recording.write(raw.decode() + "\n")
        strict = self.watch.see(raw)
        event = self.use.parse_event(raw)
        check(event == strict, f"the client takes {raw[:300]} for a {type(event).__name__}")
        return event

    async def until(self, *kinds: str, count: int = 1) -> list:
        events = []
        while sum(event.type in kinds for event in events) < count:
            events.append(await self.next())
            error = getattr(events[-1], "error", None)
            check(error is None or "error" in kinds, f"waiting for {kinds}: {error}")
        return events

    async def update(self, **session):
        await self.use.session.update(session={"type": "realtime", **session})
        return (await self.until("session.updated"))[-1].session

    async def add(self, item: dict, **where) -> str:
        await self.use.conversation.item.create(item=item, **where)
        return (await self.until("conversation.item.done"))[-1].item.id

    async def ask(self, text: str) -> str:
        return await self.add(
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        )

    async def respond(self, **response) -> list:
        await self.use.response.create(**({"response": response} if response else {}))
        return await self.until("response.done")

    async def append(self, samples: bytes) -> None:
        for chunk in chunks(samples):
            await self.use.input_audio_buffer.append(audio=base64.b64encode(chunk).decode())

    async def error(self):
        return (await self.until("error"))[-1].error


@asynccontextmanager
async def session(**update):
    async with AsyncOpenAI(max_retries=0) as client, client.realtime.connect(model="local-realtime") as connection:
        opened = Session(connection)
        check((await opened.next()).type == "session.created", "a session is created")
        if update:
            await opened.update(**update)
        yield opened
        opened.watch.finish()


def last(events: list, kind: str):
    found = [event for event in events if event.type == kind]
    check(found, f"no {kind} in {[event.type for event in events]}")
    return found[-1]


def text_of(events: list) -> str:
    return "".join(
        event.delta
        for event in events
        if event.type in ("response.output_audio_transcript.delta", "response.output_text.delta")
    )


def sound_of(events: list) -> bytes:
    return b"".join(base64.b64decode(event.delta) for event in events if event.type == "response.output_audio.delta")


def call_of(events: list):
    calls = [e.item for e in events if e.type == "response.output_item.done" and e.item.type == "function_call"]
    check(len(calls) == 1 and calls[0].status == "completed", f"one call, not {calls}")
    return calls[0]


def exactly(text: str) -> dict:
    return {"instructions": f'Say exactly: "{text}"', "input": []}


async def session_updates():
    async with session() as s:
        first = await s.update(instructions="You are Iris.", tools=[ACCOUNT], output_modalities=["text"])
        check(first.audio.input.turn_detection.type == "server_vad", first.audio.input)
        check(first.audio.input.format.rate == 24_000, first.audio.input)
        vad = {"type": "server_vad", "silence_duration_ms": 300}
        second = await s.update(audio={"input": {"turn_detection": vad}})
        check(second.instructions == "You are Iris." and second.tools[0].name == "get_account", second)
        check(second.output_modalities == ["text"], second)
        check(second.audio.input.turn_detection.silence_duration_ms == 300, second.audio.input)
        semantic = {"type": "semantic_vad", "eagerness": "low", "interrupt_response": False}
        third = await s.update(audio={"input": {"turn_detection": semantic}})
        detection = third.audio.input.turn_detection
        check((detection.type, detection.eagerness, detection.interrupt_response) == ("semantic_vad", "low", False), detection)
        check(getattr(detection, "silence_duration_ms", None) is None, f"left from before: {detection}")
        fourth = await s.update(tools=[], instructions="", **MANUAL)
        check(not fourth.tools and not fourth.instructions and fourth.audio.input.turn_detection is None, fourth)
        await s.use.session.update(session={"type": "realtime", "output_modalities": ["smell"]}, event_id="mine")
        error = await s.error()
        check(error.event_id == "mine" and "output_modalities" in error.param and error.code, error)
        check((await s.update()).output_modalities == ["text"], "a refused update changes nothing")
    shown("session.update: merged, turn detection replaced whole, null clears, a wrong one refused")


async def text_turn():
    async with session(output_modalities=["text"], **MANUAL) as s:
        await s.ask("Hello!")
        events = await s.respond(metadata={"topic": "greeting"})
        check(last(events, "response.created").response.metadata == {"topic": "greeting"}, events[0])
        done = last(events, "response.done").response
        check(done.status == "completed" and text_of(events) and not sound_of(events), done)
        check(done.output_modalities == ["text"] and done.output[0].content[0].type == "output_text", done)
        check(done.output[0].content[0].text == text_of(events), done)
    shown(f"text turn: {text_of(events)!r}")


async def spoken_turn():
    settings = {
        "instructions": "You are Iris, a voice assistant.",
        "tools": [ACCOUNT],
        "audio": {"input": {"transcription": {"model": "moonshine-tiny-en"}, "turn_detection": {"type": "server_vad"}}},
    }
    async with session(**settings) as s:
        await s.append(silence(0.5) + say("What plan am I on?") + silence(1))
        transcribed = "conversation.item.input_audio_transcription.completed"
        events = await s.until("response.done", transcribed, count=2)
        kinds = [event.type for event in events]
        turn = [f"input_audio_buffer.{kind}" for kind in ("speech_started", "speech_stopped", "committed")]
        turn += ["conversation.item.added", "response.created"]
        check([kind for kind in kinds if kind in turn][: len(turn)] == turn, kinds)
        ids = {last(events[: kinds.index("response.created")], kind).item_id for kind in turn[:3]}
        heard = last(events, transcribed)
        check(ids == {heard.item_id} and heard.usage, "one item all the way")
        check("plan" in heard.transcript.lower(), heard.transcript)
        started, stopped = (last(events, kind) for kind in turn[:2])
        check(started.audio_start_ms < 600 < stopped.audio_end_ms < 3_500, (started, stopped))

        call = call_of(events)
        check(call.name == "get_account" and last(events, "response.function_call_arguments.done").name, call)
        output = '{"name": "Ada", "subscription_tier": "enterprise"}'
        await s.add({"type": "function_call_output", "call_id": call.call_id, "output": output})
        events = await s.respond()
        check("enterprise" in text_of(events).lower(), text_of(events))
        check("enterprise" in hear(sound_of(events)), "the sound says something else")
        await s.use.conversation.item.retrieve(item_id=heard.item_id)
        item = (await s.until("conversation.item.retrieved"))[-1].item
        check(item.role == "user" and item.content[0].transcript == heard.transcript, item)
        check(len(base64.b64decode(item.content[0].audio or "")) > 20_000, "a retrieved item has its audio")
    shown(f"spoken turn: {heard.transcript!r}, a tool call, {text_of(events)!r}, heard in its audio")


async def semantic_turn():
    detection = {"type": "semantic_vad", "eagerness": "high"}
    async with session(audio={"input": {"turn_detection": detection}}) as s:
        await s.append(silence(0.3) + say("Good morning, how are you today?") + silence(9))
        events = await s.until("response.done")
        check(last(events, "response.done").response.status == "completed" and sound_of(events), "it is answered")
    shown("semantic_vad: a spoken turn is answered")


async def manual_turn():
    async with session(tools=[ACCOUNT], **MANUAL) as s:
        await s.append(say("What plan am I on?") + silence(0.3))
        await s.use.input_audio_buffer.clear()
        await s.until("input_audio_buffer.cleared")
        await s.use.input_audio_buffer.commit(event_id="empty")
        error = await s.error()
        check((error.code, error.event_id) == ("input_audio_buffer_commit_empty", "empty"), error)
        await s.append(say("What plan am I on?") + silence(0.3))
        await s.use.input_audio_buffer.commit()
        await s.use.response.create()
        events = await s.until("response.done")
        kinds = [event.type for event in events]
        check("input_audio_buffer.speech_started" not in kinds, "nobody listens for turns")
        check(kinds.index("input_audio_buffer.committed") < kinds.index("response.created"), kinds)
        check(call_of(events).name == "get_account", events)
    shown("manual turn: cleared, an empty commit refused, committed, answered by a tool call")


async def cancelled():
    async with session(**MANUAL) as s:
        await s.use.response.cancel(event_id="idle")
        error = await s.error()
        check((error.code, error.event_id) == ("response_cancel_not_active", "idle"), error)
        check(error.message.startswith("Cancellation failed"), error.message)
        await s.use.response.create(response=exactly(LONG))
        await s.until("response.output_audio.delta")
        await s.use.response.create(event_id="second")
        error = await s.error()
        check((error.code, error.event_id) == ("conversation_already_has_active_response", "second"), error)
        await s.use.response.cancel()
        done = (await s.until("response.done"))[-1].response
        check(done.status == "cancelled" and done.status_details.reason == "client_cancelled", done)
        check(done.output[0].status == "incomplete", done.output)
        # The two at once: the response is announced, and ends.
        await s.use.response.create(response=exactly(LONG))
        await s.use.response.cancel()
        events = await s.until("response.done")
        check(last(events, "response.created").response.id == events[-1].response.id, "created and done")
        check(events[-1].response.status == "cancelled", events[-1])
        check(last(await s.respond(**exactly("Still here.")), "response.done").response.status == "completed", "goes on")
    shown("cancel: while it speaks, together with its create, with nothing to cancel")


async def barge_in():
    async with session() as s:
        await s.use.response.create(response=exactly(LONG))
        await s.until("response.output_audio.delta")
        await s.append(silence(0.2) + say("Stop, please, that is enough."))
        events = await s.until("response.done")
        done = events[-1].response
        check(done.status == "cancelled" and done.status_details.reason == "turn_detected", done)
        check(last(events, "input_audio_buffer.speech_started").audio_start_ms < 1_000, "the start is told")
        await s.append(silence(1))
        check((await s.until("response.done"))[-1].response.status == "completed", "the next turn is answered")
    shown("barge-in: the response ends as turn_detected, the next turn is answered")


async def truncated():
    async with session(**MANUAL) as s:
        events = await s.respond(**exactly("One two three. Four five six. Seven eight nine."))
        item = last(events, "response.done").response.output[0].id
        length = len(sound_of(events)) // 48
        truncate = s.use.conversation.item.truncate
        await truncate(item_id=item, content_index=0, audio_end_ms=length + 5_000, event_id="beyond")
        error = await s.error()
        check(error.event_id == "beyond" and error.code, error)
        await truncate(item_id=item, content_index=0, audio_end_ms=700)
        event = (await s.until("conversation.item.truncated"))[-1]
        check((event.item_id, event.audio_end_ms) == (item, 700), event)
        await s.use.conversation.item.retrieve(item_id=item)
        content = (await s.until("conversation.item.retrieved"))[-1].item.content[0]
        check("seven" not in (content.transcript or "").lower(), f"unheard and kept: {content.transcript!r}")
        user = await s.ask("Hi")
        await truncate(item_id=user, content_index=0, audio_end_ms=0, event_id="user")
        check((await s.error()).event_id == "user", "a user's item cannot be truncated")
    shown("truncate: what was not heard goes; beyond the audio and of others refused")


async def items():
    async with session(**MANUAL) as s:
        message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
        create = s.use.conversation.item.create
        check(await s.add({**message, "id": "second"}) == "second", "the client's id")
        await create(item={**message, "id": "first"}, previous_item_id="root")
        added = last(await s.until("conversation.item.done"), "conversation.item.added")
        check(added.item.id == "first" and added.previous_item_id is None, added)
        await create(item={**message, "id": "between"}, previous_item_id="first")
        added = last(await s.until("conversation.item.done"), "conversation.item.added")
        check(added.previous_item_id == "first", added)
        await create(item={**message, "id": "first"}, event_id="twice")
        error = await s.error()
        check((error.code, error.event_id) == ("item_create_duplicate_item_id", "twice"), error)
        await create(item=message, previous_item_id="nowhere", event_id="lost")
        check((await s.error()).event_id == "lost", "an unknown place is refused")
        await s.use.conversation.item.delete(item_id="first")
        check((await s.until("conversation.item.deleted"))[-1].item_id == "first", "deleted")
        await s.use.conversation.item.retrieve(item_id="first", event_id="gone")
        error = await s.error()
        check((error.code, error.event_id) == ("item_retrieve_invalid_item_id", "gone"), error)
        await s.use.conversation.item.delete(item_id="first", event_id="again")
        check((await s.error()).event_id == "again", "deleted once")
        for role, kind in (("system", "input_text"), ("assistant", "output_text")):
            await s.add({"type": "message", "role": role, "content": [{"type": kind, "text": "Noted."}]})
        call = {"type": "function_call", "name": "get_account", "call_id": "call_1", "arguments": "{}"}
        await s.add(call)
        await s.add({"type": "function_call_output", "call_id": "call_1", "output": "{}"})
    shown("items: client ids, places, duplicates, delete, retrieve, every kind")


async def out_of_band():
    async with session(**MANUAL) as s:
        told = await s.ask("My name is Ada.")
        await s.use.response.create(response=exactly(LONG))
        await s.until("response.output_audio.delta")
        reference = {"type": "item_reference", "id": told}
        aside = {
            "conversation": "none",
            "output_modalities": ["text"],
            "metadata": {"purpose": "aside"},
            "instructions": 'Say exactly: "Beside it."',
            "input": [reference],
        }
        await s.use.response.create(response=aside)
        events = await s.until("response.done", count=2)
        done = [event.response for event in events if event.type == "response.done"]
        beside = [response for response in done if response.metadata == {"purpose": "aside"}]
        check(len(beside) == 1 and beside[0].conversation_id is None, done)
        check(beside[0].status == "completed" and beside[0].output[0].content[0].text, beside)
        check({response.status for response in done} == {"completed"}, done)
        aside["input"] = [{"type": "item_reference", "id": "nothing"}]
        await s.use.response.create(response=aside, event_id="dangling")
        check((await s.error()).event_id == "dangling", "a reference to nothing is refused")
    shown("out of band: beside a spoken response, with a reference and metadata, outside the conversation")


async def idle_timeout():
    detection = {"type": "server_vad", "idle_timeout_ms": 5_000}
    async with session(audio={"input": {"turn_detection": detection}}) as s:
        await s.respond(**exactly("Yes?"))
        feeding = asyncio.create_task(feed(s))
        events = await s.until("response.done")
        feeding.cancel()
        event = last(events, "input_audio_buffer.timeout_triggered")
        check(event.item_id == last(events, "input_audio_buffer.committed").item_id, event)
        check(event.audio_start_ms <= event.audio_end_ms, event)
    shown("idle timeout: the silence is committed and answered")


async def feed(s: Session) -> None:
    while True:
        await s.append(silence(0.1))
        await asyncio.sleep(0.1)


run(
    session_updates, text_turn, spoken_turn, semantic_turn, manual_turn, cancelled, barge_in, truncated, items,
    out_of_band, idle_timeout,
)
