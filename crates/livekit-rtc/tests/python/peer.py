"""A participant on LiveKit's own client, as the other end of a test.

usage: peer.py URL TOKEN

Speaks a tone of 660 Hz, answers every text on lk.chat, has the RPC methods "reverse" and "fail",
calls the method and sends the bytes that a text on "do" asks for, and tells on standard output, one
JSON object a line, what it sees and hears. Leaves when standard input ends.
"""

import array
import asyncio
import json
import math
import sys

from livekit import rtc

RATE = 24_000
FRAME = RATE // 100
PITCH = 660
WINDOW_FRAMES = 20


def tell(**what):
    print(json.dumps(what), flush=True)


def tone(first_sample):
    step = math.tau * PITCH / RATE
    return array.array("h", (int(8_000 * math.sin(step * (first_sample + i))) for i in range(FRAME)))


async def speak(source):
    first_sample = 0
    while True:
        samples = tone(first_sample)
        await source.capture_frame(rtc.AudioFrame(samples.tobytes(), RATE, 1, FRAME))
        first_sample += FRAME


def pitch_of(samples):
    """The pitch of a tone by its rising zero crossings, 0 when it is silent."""
    if max(abs(sample) for sample in samples) < 1_000:
        return 0
    rising = [i for i in range(1, len(samples)) if samples[i - 1] < 0 <= samples[i]]
    if len(rising) < 2:
        return 0
    return round(RATE * (len(rising) - 1) / (rising[-1] - rising[0]))


async def listen(identity, track):
    window, told = array.array("h"), None
    async for event in rtc.AudioStream(track, sample_rate=RATE, num_channels=1):
        window.frombytes(event.frame.data.tobytes())
        if len(window) >= WINDOW_FRAMES * FRAME:
            pitch, window = pitch_of(window), array.array("h")
            if pitch != told:
                tell(heard=pitch, of=identity)
                told = pitch


async def main(url, token):
    room, tasks = rtc.Room(), set()

    def spawn(work):
        task = asyncio.ensure_future(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def take_text(reader, identity):
        text = await reader.read_all()
        tell(text=text, of=identity, attributes=reader.info.attributes)
        if reader.info.topic == "lk.chat":
            await room.local_participant.send_text(text[::-1], topic="lk.chat")

    async def take_order(reader, identity):
        order = json.loads(await reader.read_all())
        if "bytes" in order:
            writer = await room.local_participant.stream_bytes(
                name="numbers",
                topic="numbers",
                mime_type="application/x-numbers",
                attributes={"kind": "bytes"},
                destination_identities=[identity],
            )
            await writer.write(bytes(number % 251 for number in range(order["bytes"])))
            return await writer.aclose()
        try:
            answer = await room.local_participant.perform_rpc(
                destination_identity=identity, method=order["call"], payload=order["with"]
            )
            tell(called=order["call"], answer=answer)
        except rtc.RpcError as error:
            tell(called=order["call"], code=error.code)

    room.register_text_stream_handler("do", lambda reader, who: spawn(take_order(reader, who)))

    for topic in ["lk.chat", "lk.transcription"]:
        room.register_text_stream_handler(topic, lambda reader, who: spawn(take_text(reader, who)))

    @room.on("track_subscribed")
    def _(track, publication, participant):
        tell(subscribed=publication.sid, of=participant.identity)
        spawn(listen(participant.identity, track))

    @room.on("participant_attributes_changed")
    def _(changed, participant):
        tell(attributes=changed, of=participant.identity)

    @room.on("track_muted")
    def _(participant, publication):
        tell(muted=True, of=participant.identity)

    @room.on("participant_disconnected")
    def _(participant):
        tell(left=participant.identity, reason=participant.disconnect_reason)

    await room.connect(url, token)

    @room.local_participant.register_rpc_method("reverse")
    async def _(call):
        return call.payload[::-1]

    @room.local_participant.register_rpc_method("fail")
    async def _(call):
        raise rtc.RpcError(4711, "not today", "{}")

    source = rtc.AudioSource(RATE, 1, queue_size_ms=200)
    track = rtc.LocalAudioTrack.create_audio_track("tone", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    await room.local_participant.publish_track(track, options)
    spawn(speak(source))
    tell(joined=room.local_participant.identity)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await room.disconnect()


asyncio.run(main(*sys.argv[1:]))
