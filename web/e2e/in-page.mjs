/**
 * What the browser test puts into the page before the page's own code runs. These functions are sent to the browser
 * as text: they may use nothing from outside themselves.
 */

/**
 * Replaces the microphone by one that the test speaks into: `window.__mic.play(base64Wav)` resolves when it is over,
 * with when it began and ended on the page's `performance.now()`, and with when the ear had heard the last sound by
 * then. With `refusal`, a DOMException's name, asking for
 * the microphone fails instead.
 */
export function installMicrophone({ refusal }) {
  const context = new AudioContext({ sampleRate: 48_000 });
  const destination = context.createMediaStreamDestination();
  const playing = new Set();
  const microphone = {
    /** Set to a DOMException's name to have the next requests refused, to undefined to have them granted. */
    refusal,
    async play(base64Wav) {
      await context.resume();
      const bytes = Uint8Array.from(atob(base64Wav), (character) => character.charCodeAt(0));
      const source = new AudioBufferSourceNode(context, {
        buffer: await context.decodeAudioData(bytes.buffer),
      });
      source.connect(destination);
      playing.add(source);
      const ended = new Promise((resolve) => source.addEventListener("ended", resolve, { once: true }));
      source.start();
      const startedAt = performance.now();
      await ended;
      playing.delete(source);
      return { startedAt, endedAt: performance.now(), heardUntil: window.__ear.lastSoundAt };
    },
    stop() {
      for (const source of playing) source.stop();
    },
  };
  window.__mic = microphone;

  const original = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    if (!constraints?.audio || constraints.video) return original(constraints);
    if (microphone.refusal) throw new DOMException("refused by the test", microphone.refusal);
    await context.resume();
    // A track of its own for each request: the page may stop it.
    return destination.stream.clone();
  };
}

/**
 * Records every remote audio track of every peer connection, mixed, at 24 kHz. `window.__ear.take()` hands out what
 * was heard since the last time; `lastSoundAt` is when something louder than -50 dBFS was last heard, on the page's
 * `performance.now()`, 0 before the first sound; `soundSince(time)` is how many seconds of it there were since then.
 */
export function installEar() {
  const SAMPLE_RATE = 24_000;
  const MAX_SECONDS = 300;
  const SOUND_RMS = 10 ** (-50 / 20);
  const worklet = `
    registerProcessor("ear", class extends AudioWorkletProcessor {
      frame = new Float32Array(240);
      filled = 0;
      process([input]) {
        const samples = input[0];
        if (!samples) return true;
        for (const sample of samples) {
          this.frame[this.filled++] = sample;
          if (this.filled === this.frame.length) {
            this.port.postMessage(this.frame);
            this.filled = 0;
          }
        }
        return true;
      }
    });`;

  let opened;
  let frames = [];
  /** When each frame with sound was heard. */
  const sounds = [];
  const ear = {
    lastSoundAt: 0,
    tracks: 0,
    soundSince(time) {
      return sounds.filter((at) => at > time).length / 100;
    },
    take() {
      const samples = new Int16Array(frames.reduce((total, frame) => total + frame.length, 0));
      let offset = 0;
      for (const frame of frames) {
        for (const sample of frame) samples[offset++] = Math.max(-1, Math.min(1, sample)) * 32_767;
      }
      frames = [];
      const bytes = new Uint8Array(samples.buffer);
      let text = "";
      for (let at = 0; at < bytes.length; at += 8_192) {
        text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
      }
      return { sampleRate: SAMPLE_RATE, base64Pcm: btoa(text) };
    },
  };
  window.__ear = ear;

  async function open() {
    const context = new AudioContext({ sampleRate: SAMPLE_RATE });
    await context.resume();
    const address = URL.createObjectURL(new Blob([worklet], { type: "text/javascript" }));
    await context.audioWorklet.addModule(address);
    const node = new AudioWorkletNode(context, "ear", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    node.port.onmessage = ({ data }) => {
      frames.push(data);
      if (frames.length > MAX_SECONDS * 100) frames.shift();
      const power = data.reduce((total, sample) => total + sample * sample, 0) / data.length;
      if (Math.sqrt(power) <= SOUND_RMS) return;
      ear.lastSoundAt = performance.now();
      sounds.push(ear.lastSoundAt);
      if (sounds.length > MAX_SECONDS * 100) sounds.shift();
    };
    return { context, node };
  }

  async function listen(track) {
    opened ??= open();
    const { context, node } = await opened;
    const stream = new MediaStream([track]);
    // Without an element that plays it, Chromium hands WebAudio nothing but silence.
    const player = new Audio();
    player.muted = true;
    player.srcObject = stream;
    await player.play();
    const source = context.createMediaStreamSource(stream);
    source.connect(node);
    ear.tracks += 1;
    track.addEventListener("ended", () => {
      source.disconnect();
      player.srcObject = null;
      ear.tracks -= 1;
    });
  }

  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...configuration) {
      super(...configuration);
      this.addEventListener("track", ({ track }) => {
        if (track.kind === "audio") void listen(track);
      });
    }
  };
}
