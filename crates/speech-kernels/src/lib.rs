//! Loops over samples that a synthesiser runs by the million, written so that the compiler makes
//! them of the widest vector instructions that the processor has.
//!
//! A crate of its own, because it alone of our code is always built fully optimised.

mod snake;
mod sum;

pub use snake::{Channel, Quantisation, Range};
pub use sum::scale_sums;
