//! Whole calls in virtual time: conversation, Realtime session and voice are those of a call, the
//! provider is a server that follows a script and misbehaves, and caller, loudspeaker, dedicated voice
//! and tools are played.

mod caller;
mod faults;
mod random;
mod stage;
