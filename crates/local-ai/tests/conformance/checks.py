"""What every script needs: saying what was shown, failing loudly, and a voice."""

import asyncio
import inspect
import io
import os
import sys
import wave
from functools import cache

from openai import OpenAI

SAMPLE_RATE = 24_000
BYTES_A_SECOND = SAMPLE_RATE * 2
# Nothing in these scripts takes longer; waiting for it means that it never comes.
PATIENCE = 30.0


def check(condition: object, message: object) -> None:
    if not condition:
        raise AssertionError(message)


def shown(what: str) -> None:
    print(f"  {what}", flush=True)


def run(*parts) -> None:
    """Runs functions one after the other, coroutines under a deadline, and fails if any of them does."""
    failed = False
    for part in parts:
        try:
            if inspect.iscoroutinefunction(part):
                asyncio.run(asyncio.wait_for(part(), 2 * PATIENCE))
            else:
                part()
        except Exception as error:
            failed = True
            print(f"{part.__name__}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    sys.exit(failed)


def client() -> OpenAI:
    return OpenAI(max_retries=0, timeout=PATIENCE)


def realtime_url() -> str:
    return os.environ["OPENAI_BASE_URL"].replace("http", "ws", 1) + "/realtime?model=local-realtime"


@cache
def say(text: str) -> bytes:
    """The text in another voice than the assistant's, as 24 kHz samples."""
    speech = client().audio.speech.create(
        model="kokoro-82m", voice="am_michael", input=text, response_format="pcm"
    )
    return speech.read()


def silence(seconds: float) -> bytes:
    return bytes(int(seconds * SAMPLE_RATE) * 2)


def chunks(samples: bytes, seconds: float = 0.1) -> list[bytes]:
    """As clients send them: a tenth of a second each."""
    size = int(seconds * SAMPLE_RATE) * 2
    return [samples[at : at + size] for at in range(0, len(samples), size)]


def wav(samples: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(SAMPLE_RATE)
        writer.writeframes(samples)
    return file.getvalue()


def hear(samples: bytes) -> str:
    """What is recognised in 24 kHz samples, in lower case."""
    file = ("heard.wav", wav(samples))
    return client().audio.transcriptions.create(model="moonshine-tiny-en", file=file).text.lower()
