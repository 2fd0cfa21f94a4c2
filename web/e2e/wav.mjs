/** WAV files and the loudness of samples, for assertions on what was heard. */

/** A mono 16-bit WAV file with these samples. */
export function wavFile({ sampleRate, samples }) {
  const header = Buffer.alloc(44);
  const dataBytes = samples.length * 2;
  header.write("RIFF", 0);
  header.writeUInt32LE(36 + dataBytes, 4);
  header.write("WAVEfmt ", 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE(sampleRate * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write("data", 36);
  header.writeUInt32LE(dataBytes, 40);
  return Buffer.concat([header, Buffer.from(samples.buffer, samples.byteOffset, dataBytes)]);
}

/** How many seconds of `heard` are louder than `thresholdDb` dBFS, in frames of 10 ms. */
export function secondsOfSound({ sampleRate, samples }, thresholdDb = -50) {
  const frame = Math.round(sampleRate / 100);
  const threshold = 10 ** (thresholdDb / 20);
  let loud = 0;
  for (let start = 0; start + frame <= samples.length; start += frame) {
    let power = 0;
    for (const sample of samples.subarray(start, start + frame)) power += (sample / 32_768) ** 2;
    if (Math.sqrt(power / frame) > threshold) loud += 1;
  }
  return loud / 100;
}

/** A mono 16-bit WAV file as `wavFile` and our services write it, behind so many seconds of silence. */
export function afterSilence(wav, seconds) {
  const sampleRate = wav.readUInt32LE(24);
  const data = wav.subarray(wav.indexOf("data") + 8);
  const lead = Math.round(sampleRate * seconds);
  const samples = new Int16Array(lead + Math.floor(data.length / 2));
  for (let index = lead; index < samples.length; index += 1) {
    samples[index] = data.readInt16LE((index - lead) * 2);
  }
  return wavFile({ sampleRate, samples });
}
