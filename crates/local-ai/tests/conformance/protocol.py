"""The Realtime protocol as a client has to be able to rely on it: each event is held to openai-python's
model of it, and the events of a session to their order."""

import base64
import json
from typing import get_args

from openai import BaseModel
from openai.types.realtime import RealtimeServerEvent

from checks import check


UNION = get_args(RealtimeServerEvent)[0]
MODELS: dict[str, type[BaseModel]] = {
    get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(UNION)
}
# Names of the beta that openai-python still knows. No client of today expects them.
BETA = {"conversation.created", "conversation.item.created"}
# What a session has on output and not in the request that it is modelled by.
OF_SESSION = {"id", "object", "expires_at"}
# What is spelled by deltas, and the fields of a delta and of the whole.
CONTENT = {
    "response.output_text": ("delta", "text"),
    "response.output_audio_transcript": ("delta", "transcript"),
    "response.function_call_arguments": ("delta", "arguments"),
}


def typed(raw: bytes) -> BaseModel:
    """The event, strictly: types, literals, and no field that the model does not have."""
    kind = json.loads(raw).get("type")
    check(kind in MODELS and kind not in BETA, f"no client knows the event {kind!r}")
    event = MODELS[kind].model_validate_json(raw, strict=True)
    check(not (extra := list(_extras(event, kind))), f"{kind} has fields that no client knows: {extra}")
    return event


def _extras(value: object, path: str):
    if isinstance(value, BaseModel):
        known = OF_SESSION if path.endswith(".session") else set()
        yield from (f"{path}.{name}" for name in (value.model_extra or {}) if name not in known)
        for name in type(value).model_fields:
            yield from _extras(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for entry in value:
            yield from _extras(entry, f"{path}[]")


class Watch:
    """The events of one session, each seen as it comes."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self.items: dict[str, str] = {}
        self.responses: dict[str, _Response] = {}
        self.heard: dict[str, str] = {}
        self.speaking: str | None = None
        self.committed: list[str] = []

    def see(self, raw: bytes) -> BaseModel:
        event = typed(raw)
        check(event.event_id and event.event_id not in self.ids, f"the id of {event} is not its own")
        check(self.ids or event.type == "session.created", f"the session begins with {event.type}")
        self.ids.add(event.event_id)
        place = getattr(self, "_" + event.type.replace(".", "_"), None)
        if event.type.startswith("response."):
            self._response_event(event)
        elif place:
            place(event)
        return event

    def finish(self) -> None:
        """The session is at rest: nothing that was begun is still open."""
        check(not (left := [r for r in self.responses.values() if not r.done]), f"{left} never ended")
        check(not (left := [i for i, state in self.items.items() if state == "added"]), f"{left} were never done")
        check(not (left := set(self.committed) - set(self.items)), f"{left} were committed and never added")

    def _session_created(self, event) -> None:
        self._session_updated(event)

    def _session_updated(self, event) -> None:
        session = event.session
        check(getattr(session, "object", None) == "realtime.session" and session.id, "a session says what it is")
        check(session.type == "realtime" and session.audio.input.format and session.audio.output.format, session)

    def _input_audio_buffer_speech_started(self, event) -> None:
        check(self.speaking is None, f"{event.item_id} began before {self.speaking} ended")
        self.speaking = event.item_id

    def _input_audio_buffer_speech_stopped(self, event) -> None:
        check(self.speaking == event.item_id, f"{event.item_id} ended, {self.speaking} had begun")
        self.speaking = None

    def _input_audio_buffer_committed(self, event) -> None:
        check(event.previous_item_id is None or event.previous_item_id in self.items, event)
        check(event.item_id not in self.committed, f"{event.item_id} is committed twice")
        self.committed.append(event.item_id)

    def _conversation_item_added(self, event) -> None:
        _whole(event.item)
        check(event.previous_item_id is None or event.previous_item_id in self.items, event)
        check(event.item.id not in self.items, f"{event.item.id} is added twice")
        self.items[event.item.id] = "added"

    def _conversation_item_done(self, event) -> None:
        _whole(event.item)
        check(self.items.get(event.item.id) == "added", f"{event.item.id} is done, not having been added")
        check(event.item.status != "in_progress", event.item)
        self.items[event.item.id] = "done"

    def _conversation_item_deleted(self, event) -> None:
        check(self.items.pop(event.item_id, None), f"{event.item_id} was deleted and never there")

    def _conversation_item_retrieved(self, event) -> None:
        _whole(event.item)
        check(event.item.id in self.items, event)

    def _conversation_item_truncated(self, event) -> None:
        check(event.item_id in self.items, event)

    def _conversation_item_input_audio_transcription_delta(self, event) -> None:
        check(event.item_id in self.items, f"{event.item_id} is transcribed before it is added")
        self.heard[event.item_id] = self.heard.get(event.item_id, "") + event.delta

    def _conversation_item_input_audio_transcription_completed(self, event) -> None:
        check(event.item_id in self.items, f"{event.item_id} is transcribed before it is added")
        joined = self.heard.pop(event.item_id, event.transcript)
        check(joined.strip() == event.transcript.strip(), f"deltas {joined!r}, whole {event.transcript!r}")

    def _response_event(self, event) -> None:
        if event.type == "response.created":
            check(event.response.id not in self.responses, f"{event.response.id} is created twice")
            self.responses[event.response.id] = _Response(event.response)
            return
        id = event.response.id if event.type == "response.done" else event.response_id
        check(id in self.responses, f"{event.type} of {id}, which was never created")
        self.responses[id].see(event, self.items)


class _Response:
    def __init__(self, response) -> None:
        check(response.object == "realtime.response" and response.status == "in_progress", response)
        check(response.output == [], f"a response begins without output: {response.output}")
        self.id = response.id
        self.in_conversation = response.conversation_id is not None
        self.metadata = response.metadata
        self.items: dict[str, str] = {}
        self.parts: set[tuple[str, int]] = set()
        self.texts: dict[tuple[str, str], str] = {}
        self.unended: set[tuple[str, str]] = set()
        self.done = False

    def __repr__(self) -> str:
        return self.id

    def see(self, event, conversation: dict[str, str]) -> None:
        check(not self.done, f"{event.type} after {self.id} was done")
        match event.type:
            case "response.output_item.added":
                _whole(event.item)
                check(event.output_index == len(self.items) and event.item.status == "in_progress", event)
                self.items[event.item.id] = "open"
            case "response.content_part.added":
                self._open(event.item_id, event)
                self.parts.add((event.item_id, event.content_index))
            case "response.content_part.done":
                self._ended(event.item_id)
                check((event.item_id, event.content_index) in self.parts, event)
                self.parts.remove((event.item_id, event.content_index))
                self._spelled(event.item_id, event.part.text or event.part.transcript)
            case "response.output_item.done":
                self._item_done(event, conversation)
            case "response.done":
                self._finished(event.response)
            case _:
                self._content(event)

    def _content(self, event) -> None:
        self._open(event.item_id, event)
        kind, _, end = event.type.rpartition(".")
        if kind != "response.function_call_arguments":
            check((event.item_id, event.content_index) in self.parts, f"{event.type} outside of a part")
        if event.type == "response.output_audio.delta":
            sound = base64.b64decode(event.delta, validate=True)
            check(sound and len(sound) % 2 == 0, f"{len(sound)} bytes are no whole samples")
        (self.unended.add if end == "delta" else self.unended.discard)((event.item_id, kind))
        if kind not in CONTENT:
            return
        key, (delta, whole) = (event.item_id, kind), CONTENT[kind]
        if end == "delta":
            self.texts[key] = self.texts.get(key, "") + getattr(event, delta)
        else:
            joined = self.texts.get(key, "")
            check(joined == getattr(event, whole), f"deltas {joined!r}, whole {getattr(event, whole)!r}")

    def _item_done(self, event, conversation: dict[str, str]) -> None:
        item = event.item
        _whole(item)
        self._open(item.id, event)
        self._ended(item.id)
        check(item.status != "in_progress", f"{event.type} of an item that is {item.status}")
        check(not any(id == item.id for id, _ in self.parts), f"a part of {item.id} is not done")
        check(not self.in_conversation or item.id in conversation, f"{item.id} was never added")
        check(self.in_conversation or item.id not in conversation, f"{item.id} is in the conversation")
        if item.type == "function_call":
            check(item.status == "completed" and item.name and 0 < len(item.call_id or "") <= 32, item)
            arguments = self.texts.get((item.id, "response.function_call_arguments"))
            check(json.loads(item.arguments) is not None and item.arguments == arguments, item)
        elif item.content:
            self._spelled(item.id, item.content[0].text or item.content[0].transcript)
        self.items[item.id] = "done"

    def _finished(self, response) -> None:
        self.done = True
        check(response.object == "realtime.response" and response.status != "in_progress", response)
        check(response.metadata == self.metadata, f"metadata {self.metadata} became {response.metadata}")
        check([item.id for item in response.output] == list(self.items), f"{response.output} is not {self.items}")
        check(set(self.items.values()) <= {"done"}, f"{self.id} is done with {self.items}")
        if response.status != "completed":
            check(response.status_details and response.status_details.type == response.status, response)
        usage = response.usage
        check(usage and usage.input_token_details and usage.output_token_details, f"the usage of {self.id}: {usage}")
        check(usage.total_tokens == usage.input_tokens + usage.output_tokens, usage)

    def _open(self, item_id: str, event) -> None:
        check(self.items.get(item_id) == "open", f"{event.type} of {item_id}, which is not open")

    def _ended(self, item_id: str) -> None:
        left = [kind for id, kind in self.unended if id == item_id]
        check(not left, f"{item_id} has deltas and no done of {left}")

    def _spelled(self, item_id: str, whole: str | None) -> None:
        for kind in ("response.output_text", "response.output_audio_transcript"):
            if (joined := self.texts.get((item_id, kind))) is not None:
                check(joined == whole, f"deltas {joined!r}, whole {whole!r}")


def _whole(item) -> None:
    """What the models leave open and clients use."""
    check(item.id and item.object == "realtime.item" and item.status, f"an item says what it is: {item}")
    check(item.type != "message" or item.content is not None, f"a message has a list of content: {item}")
