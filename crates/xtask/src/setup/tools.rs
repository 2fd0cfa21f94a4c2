//! The programs that `setup` takes for granted: all that are missing or too old are named at once.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::manifest::Tool;
use crate::process;

const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// Checks every tool.
///
/// # Errors
///
/// Names each tool that is missing or too old, and one command that installs them.
pub fn check<'a>(tools: impl Iterator<Item = &'a Tool>) -> anyhow::Result<()> {
    let problems: Vec<_> = tools
        .filter_map(|tool| problem(tool).map(|problem| (tool, problem)))
        .collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(anyhow::Error::msg(report(&problems)))
    }
}

fn problem(tool: &Tool) -> Option<String> {
    let Some(program) = process::find_program(&tool.program) else {
        return Some("is missing".into());
    };
    let answer = |command: &mut Command| process::run(command, ANSWER_LIMIT);
    if let Some(minimum) = tool.minimum {
        let found = answer(Command::new(&program).args(&tool.version_args))
            .ok()
            .and_then(|output| first_version(&output.stdout));
        match found {
            Some(found) if found >= minimum => {}
            Some((major, minor)) => {
                return Some(format!(
                    "is version {major}.{minor}; {}.{} or newer is needed",
                    minimum.0, minimum.1
                ));
            }
            None => return Some("does not tell its version".into()),
        }
    }
    missing_module(tool, &program)
}

fn missing_module(tool: &Tool, python: &PathBuf) -> Option<String> {
    if tool.python_modules.is_empty() {
        return None;
    }
    let script = "import importlib.util as u, sys\n\
                  print(*[m for m in sys.argv[1:] if u.find_spec(m) is None])";
    let missing = process::run(
        Command::new(python)
            .args(["-c", script])
            .args(&tool.python_modules),
        ANSWER_LIMIT,
    );
    match missing {
        Ok(output) if output.stdout.trim().is_empty() => None,
        Ok(output) => Some(format!("lacks the module {}", output.stdout.trim())),
        Err(error) => Some(format!("does not work: {error}")),
    }
}

fn first_version(text: &str) -> Option<(u32, u32)> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.')
        .find_map(|word| {
            let mut numbers = word.split('.');
            Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
        })
}

fn report(problems: &[(&Tool, String)]) -> String {
    let mut text = "some programs are missing or too old:\n".to_owned();
    for (tool, problem) in problems {
        text += &format!("  {} {problem} (for {})\n", tool.program, tool.needed_for);
    }
    let packages: Vec<_> = problems
        .iter()
        .flat_map(|(tool, _)| &tool.debian)
        .map(String::as_str)
        .collect();
    text + &format!(
        "On Debian or Ubuntu: sudo apt-get install {}",
        packages.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(program: &str, minimum: Option<(u32, u32)>) -> Tool {
        Tool {
            program: program.into(),
            needed_for: "this test".into(),
            minimum,
            version_args: vec!["--version".into()],
            python_modules: vec![],
            debian: vec![format!("{program}-package")],
        }
    }

    #[test]
    fn all_missing_programs_are_named_with_one_command() {
        let tools = [
            tool("no-such-a", None),
            tool("tar", Some((999, 0))),
            tool("no-such-b", None),
        ];
        let error = check(tools.iter()).unwrap_err().to_string();
        assert!(
            error.contains("no-such-a is missing (for this test)"),
            "{error}"
        );
        assert!(error.contains("999.0 or newer is needed"), "{error}");
        assert!(
            error.ends_with("apt-get install no-such-a-package tar-package no-such-b-package"),
            "{error}"
        );
    }

    #[test]
    fn versions_are_read_from_what_programs_print() {
        assert_eq!(
            first_version("go version go1.26.8 linux/amd64"),
            Some((1, 26))
        );
        assert_eq!(first_version("v20.20.2"), Some((20, 20)));
        assert_eq!(first_version("Python 3.11.7"), Some((3, 11)));
        assert_eq!(first_version("tar (GNU tar) 1.34"), Some((1, 34)));
        assert_eq!(first_version("unknown"), None);
    }
}
