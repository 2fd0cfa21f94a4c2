"""pipecat's parser over everything that openai-python's Realtime client has received."""

import json
import os
import sys
from collections import Counter

from loguru import logger

logger.remove()

from pipecat.services.openai.realtime.events import parse_server_event  # noqa: E402

# Without these the recording would not be one of conversations.
EXPECTED = {
    "session.created", "session.updated", "error", "input_audio_buffer.speech_started", "conversation.item.added",
    "conversation.item.input_audio_transcription.completed", "conversation.item.truncated", "response.done",
    "response.output_audio.delta", "response.output_text.delta", "response.function_call_arguments.done",
}
# pipecat skips what it has no model of. It has none of this; any other would be a wrong name.
UNKNOWN = {"input_audio_buffer.timeout_triggered"}

parsed, unknown, failures = Counter(), Counter(), []
with open(os.environ["RECORDING"]) as recording:
    for line in recording:
        kind = json.loads(line)["type"]
        try:
            event = parse_server_event(line)
        except Exception as error:
            failures.append(f"{kind}: {error}")
            continue
        (unknown if event is None else parsed)[kind] += 1

print(f"  {parsed.total()} events of {len(parsed)} kinds parsed; kinds that pipecat has no model of: {dict(unknown)}")
if failures:
    sys.exit("\n".join(failures[:10]))
if strange := set(unknown) - UNKNOWN:
    sys.exit(f"pipecat knows no such events: {sorted(strange)}")
if missing := EXPECTED - set(parsed):
    sys.exit(f"never seen: {sorted(missing)}")
