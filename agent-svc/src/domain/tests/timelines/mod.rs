//! Timelines: each is one phenomenon.

mod limits;
mod overlap;
mod provider;
mod tools;
mod turns;
mod written;

use super::stage::transcript;
