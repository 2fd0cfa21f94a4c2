//! Conversations as timelines in virtual time: a script of what happens in, what was done out.

mod properties;
mod stage;
mod timelines;
mod turn_detection;
