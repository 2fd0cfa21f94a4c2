//! Runs the evaluation of turn taking.

use super::{example, run};
use crate::project::Project;
use crate::setup::Installed;

pub(super) fn judge(project: &Project, installed: &Installed, sample: bool) -> anyhow::Result<()> {
    let judge = |texts: Option<&str>| {
        let mut command = example(project, installed, "eval_turns");
        command.args(texts);
        run(command)
    };
    if sample {
        return judge(Some("--sample"));
    }
    println!("Texts that were in view from the beginning:\n");
    judge(None)?;
    println!("\nTexts that were not in view at first:\n");
    judge(Some("--further"))?;
    println!("\nTexts that were not looked at:\n");
    judge(Some("--held-out"))
}
