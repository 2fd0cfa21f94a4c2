//! `check`, `gen`, `conformance`, `eval`, `e2e`, `test`, `bench` and `soak`: lists of steps, each a
//! program that has to succeed.

mod bench;
mod check;
mod conformance;
mod e2e;
mod eval;
mod generate;
mod step;
mod test;

pub use bench::{Options as BenchOptions, bench, soak};
pub use check::check;
pub use conformance::conformance;
pub use e2e::{Options as E2eOptions, e2e};
pub use eval::{Evaluation, eval, hear_questions, record_lines};
pub use generate::{generate, write_baseline};
pub use test::test;
