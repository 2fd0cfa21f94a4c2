"""openai-python against the REST endpoints, each answer held to its model."""

import base64
import io
import json
import struct
import wave

import openai
from openai import BaseModel
from openai.types import CreateEmbeddingResponse, Model
from openai.types.audio import Transcription, TranscriptionVerbose
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from checks import BYTES_A_SECOND, check, client, hear, run, say, shown, wav

SENTENCE = "The invoice was paid this morning."
LONG = "Your plan is enterprise. It renews in March. Fourteen of twenty seats are in use."
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "The city's name"}},
            "required": ["city"],
        },
    },
}


def strict(answer: BaseModel, kind: type[BaseModel], beside: frozenset = frozenset()) -> None:
    """openai-python builds models without looking; this looks, and takes no field that it does not know,
    but for those `beside` the model that the service sends as well."""
    checked = kind.model_validate_json(answer.model_dump_json(exclude_unset=True), strict=True)
    check(set(checked.model_extra or {}) <= beside, f"{kind.__name__} has no {checked.model_extra}")


def speech():
    create = client().audio.speech.create
    common = {"model": "kokoro-82m", "voice": "alloy", "input": LONG}
    with wave.open(io.BytesIO(create(**common, response_format="wav").read())) as sound:
        form = (sound.getnchannels(), sound.getsampwidth(), sound.getframerate())
        check(form == (1, 2, 24_000), f"the WAV is {form}")
        spoken = sound.readframes(sound.getnframes())
    text = hear(spoken)
    check("enterprise" in text and "seats" in text, f"heard in the WAV: {text}")

    pcm = create(**common, response_format="pcm").read()
    check(len(pcm) % 2 == 0 and len(pcm) > 2 * BYTES_A_SECOND, f"{len(pcm)} bytes of pcm")
    fast = create(**common, response_format="pcm", speed=1.5).read()
    check(len(fast) < 0.8 * len(pcm), "a higher speed takes less time")
    shown("speech: wav, pcm, speed, and what it says is understood")

    streaming = client().audio.speech.with_streaming_response.create
    with streaming(**common, response_format="pcm") as answer:
        parts = [len(part) for part in answer.iter_bytes()]
    check(len(parts) > 1 and sum(parts) > 2 * BYTES_A_SECOND, f"streamed in {len(parts)} parts")
    shown("speech: streamed as it is made")

    with streaming(**common, response_format="pcm", stream_format="sse") as answer:
        kind = answer.headers["content-type"]
        check(kind.startswith("text/event-stream"), kind)
        events = [line.removeprefix("data: ") for line in answer.iter_lines() if line.startswith("data: ")]
    import json
    events = [json.loads(event) for event in events if event != "[DONE]"]
    kinds = [event["type"] for event in events]
    check(kinds and kinds[-1] == "speech.audio.done" and "input_tokens" in events[-1]["usage"], kinds)
    check(set(kinds[:-1]) == {"speech.audio.delta"} and len(kinds) > 2, kinds)
    sound = b"".join(base64.b64decode(event["audio"]) for event in events[:-1])
    check("enterprise" in hear(sound), "the streamed events say something else")
    shown("speech: server-sent events")


def transcriptions():
    create = client().audio.transcriptions.create
    file = ("question.wav", wav(say(SENTENCE)))
    common = {"model": "moonshine-tiny-en", "file": file}
    answer = create(**common)
    strict(answer, Transcription)
    check("invoice was paid" in answer.text.lower() and answer.usage, answer)
    text = create(**common, response_format="text")
    check(isinstance(text, str) and "invoice" in text.lower(), text)
    verbose = create(**common, response_format="verbose_json")
    strict(verbose, TranscriptionVerbose, frozenset({"task"}))
    check(1.0 < verbose.duration < 5.0 and "invoice" in verbose.text.lower(), verbose)
    shown("transcriptions: json, text, verbose_json")

    events = list(create(**common, stream=True))
    kinds = [event.type for event in events]
    check(kinds and kinds[-1] == "transcript.text.done" and set(kinds[:-1]) == {"transcript.text.delta"}, kinds)
    joined = "".join(event.delta for event in events[:-1])
    check(joined.strip() == events[-1].text.strip() and "invoice" in joined.lower(), joined)
    shown("transcriptions: streamed, the deltas make up the text")


def embeddings():
    create = client().embeddings.create
    texts = ["How do I reset my password?", "I forgot my password.", "Bananas are yellow."]
    common = {"model": "all-minilm-l6-v2", "input": texts}
    floats = create(**common, encoding_format="float")
    strict(floats, CreateEmbeddingResponse)
    vectors = [entry.embedding for entry in floats.data]
    check([len(vector) for vector in vectors] == [384] * 3, "three vectors of 384 numbers")
    check([entry.index for entry in floats.data] == [0, 1, 2] and floats.usage.total_tokens > 0, floats.usage)
    near, far = (sum(a * b for a, b in zip(vectors[0], other)) for other in vectors[1:])
    check(near > far + 0.3, f"the like are {near:.2f} near, the unlike {far:.2f}")

    # Without a format the client asks for base64 and decodes it.
    decoded = [entry.embedding for entry in create(**common).data]
    check(all(abs(a - b) < 1e-6 for v, w in zip(vectors, decoded) for a, b in zip(v, w)), "base64 differs")
    coded = create(**common, encoding_format="base64").data[0].embedding
    first = coded if not isinstance(coded, str) else struct.unpack("<384f", base64.b64decode(coded))
    check(abs(first[0] - vectors[0][0]) < 1e-6, "base64 by name differs")

    short = create(**common, dimensions=128).data[0].embedding
    length = sum(x * x for x in short) ** 0.5
    check(len(short) == 128 and abs(length - 1) < 1e-3, f"{len(short)} numbers of length {length}")
    shown("embeddings: float, base64, dimensions, the like are near")


def chat():
    create = client().chat.completions.create
    common = {"model": "local-chat", "messages": [{"role": "user", "content": "Hello, who are you?"}]}
    answer = create(**common)
    strict(answer, ChatCompletion)
    choice = answer.choices[0]
    check(choice.finish_reason == "stop" and choice.message.content, choice)
    check(answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens, answer.usage)

    chunks = list(create(**common, stream=True, stream_options={"include_usage": True}))
    for chunk in chunks:
        strict(chunk, ChatCompletionChunk)
    check(len({chunk.id for chunk in chunks}) == 1, "the chunks of an answer share its id")
    check(chunks[0].choices[0].delta.role == "assistant", chunks[0])
    check(chunks[-1].usage and not chunks[-1].choices, f"the last chunk has the usage: {chunks[-1]}")
    check(chunks[-2].choices[0].finish_reason == "stop", chunks[-2])
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
    check(text == choice.message.content, f"streamed {text!r}, whole {choice.message.content!r}")
    check(all(chunk.usage is None for chunk in create(**common, stream=True)), "usage that was not asked for")
    shown("chat: whole and streamed alike, usage in a last chunk when asked for")

    common["messages"] = [{"role": "user", "content": "What is the weather in Paris?"}]
    answer = create(**common, tools=[WEATHER])
    strict(answer, ChatCompletion)
    choice = answer.choices[0]
    check(choice.finish_reason == "tool_calls", choice)
    call = choice.message.tool_calls[0]
    check(call.function.name == "get_weather" and "Paris" in call.function.arguments, call)

    parts = list(create(**common, tools=[WEATHER], stream=True))
    for part in parts:
        strict(part, ChatCompletionChunk)
    deltas = [call for part in parts for call in part.choices[0].delta.tool_calls or []]
    check(deltas[0].id and deltas[0].function.name == "get_weather", deltas)
    arguments = "".join(delta.function.arguments or "" for delta in deltas)
    check(arguments == call.function.arguments, arguments)
    check(parts[-1].choices[0].finish_reason == "tool_calls", parts[-1])

    answered = [
        *common["messages"],
        choice.message,
        {"role": "tool", "tool_call_id": call.id, "content": '{"weather": "thunderstorm"}'},
    ]
    told = create(model="local-chat", messages=answered, tools=[WEATHER]).choices[0]
    check(told.finish_reason == "stop" and "thunderstorm" in told.message.content.lower(), told)
    shown("chat: a tool is called, whole and streamed, and its value told")


def models():
    listed = client().models.list().data
    check(len(listed) > 3, listed)
    for model in listed:
        strict(model, Model)
        check(client().models.retrieve(model.id) == model, f"{model.id} is retrieved as it is listed")
    shown(f"models: {', '.join(model.id for model in listed)}")


def errors():
    api = client()
    recording = ("question.wav", wav(say(SENTENCE)))
    message = [{"role": "user", "content": "Hi"}]
    # Each with the field that the error must name.
    wrong = {
        "an empty text": ("input", lambda: api.audio.speech.create(model="m", voice="alloy", input="")),
        "an unknown voice": ("voice", lambda: api.audio.speech.create(model="m", voice="nobody", input="Hi")),
        "a speed of 9": ("speed", lambda: api.audio.speech.create(model="m", voice="alloy", input="Hi", speed=9)),
        "a file that is no audio": (
            "file",
            lambda: api.audio.transcriptions.create(model="m", file=("x.wav", b"nothing")),
        ),
        "an unknown response format": (
            "response_format",
            lambda: api.audio.transcriptions.create(model="m", file=recording, response_format="poem"),
        ),
        "nothing to embed": ("input", lambda: api.embeddings.create(model="m", input=[])),
        "too many dimensions": ("dimensions", lambda: api.embeddings.create(model="m", input="x", dimensions=4096)),
        "no messages": ("messages", lambda: api.chat.completions.create(model="m", messages=[])),
        "a tool without a name": (
            "tools",
            lambda: api.chat.completions.create(model="m", messages=message, tools=[{"type": "function"}]),
        ),
    }
    for what, (field, use) in wrong.items():
        try:
            use()
        except openai.BadRequestError as error:
            check(error.type == "invalid_request_error" and error.code, f"{what}: {error.body}")
            check((error.param or "").startswith(field), f"{what} is told of {error.param!r}: {error.body}")
        else:
            raise AssertionError(f"{what} was taken")
    try:
        api.models.retrieve("nothing-of-the-kind")
        raise AssertionError("a model that does not exist was found")
    except openai.NotFoundError as error:
        check(error.code == "model_not_found", error.body)
    shown(f"errors: status, type, code and field for {len(wrong)} wrong uses, and an unknown model")


run(speech, transcriptions, embeddings, chat, models, errors)
