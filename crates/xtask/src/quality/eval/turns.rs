//! Runs the evaluation of turn taking.

use super::{example, run};
use crate::project::Project;
use crate::setup::Installed;

pub(super) fn judge(project: &Project, installed: &Installed, sample: bool) -> anyhow::Result<()> {
    let mut command = example(project, installed, "eval_turns");
    command.args(sample.then_some("--sample"));
    run(command)
}
