//! Whole calls through a real LiveKit server: somebody speaks, and hears what the script says.

mod caller;
mod dropping;
mod jobs;
mod network;

/// The dedicated voice is asked for sound of a text, and not to read it aloud in a session.
const VOICE: &str = "--tts-model=tts-1";
