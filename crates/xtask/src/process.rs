//! Other programs: finding them, and running them to their end under a deadline.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, bail};

/// What a program that ended well has printed.
#[derive(Debug)]
pub struct Output {
    pub stdout: String,
    pub stderr: String,
}

/// Runs a program without input and collects what it prints.
///
/// # Errors
///
/// It cannot be started, fails, or takes longer than `limit` (it is killed then). The message holds
/// what it printed, shortened.
pub fn run(command: &mut Command, limit: Duration) -> anyhow::Result<Output> {
    let name = describe(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{name} cannot be started"))?;
    let stdout = collect(child.stdout.take().expect("it is piped"));
    let stderr = collect(child.stderr.take().expect("it is piped"));
    let deadline = std::time::Instant::now() + limit;
    let left = || deadline.saturating_duration_since(std::time::Instant::now());
    let (Ok(stdout), Ok(stderr)) = (stdout.recv_timeout(limit), stderr.recv_timeout(left())) else {
        child
            .kill()
            .with_context(|| format!("{name} cannot be ended"))?;
        child.wait()?;
        bail!("{name} has not finished after {} s", limit.as_secs());
    };
    let status = child.wait()?;
    let output = Output { stdout, stderr };
    if !status.success() {
        bail!("{name} failed ({status}):\n{}", output.excerpt());
    }
    Ok(output)
}

/// Runs a program that prints for itself, to its end.
///
/// # Errors
///
/// It cannot be started, or fails.
pub fn run_visibly(command: &mut Command) -> anyhow::Result<()> {
    let name = describe(command);
    let status = status(command)?;
    if !status.success() {
        bail!("{name} failed ({status})");
    }
    Ok(())
}

/// Runs a program that prints for itself, and hands back how it ended.
pub fn status(command: &mut Command) -> anyhow::Result<ExitStatus> {
    let name = describe(command);
    command
        .status()
        .with_context(|| format!("{name} cannot be started"))
}

/// cargo in `root`, told nothing about the package that these commands were started from.
///
/// `cargo run` describes that package in the environment, and build scripts that watch these
/// variables (ring's does) would run anew each time a build is started from here and from a shell
/// by turns, and all that depends on them be built again.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root);
    for (name, _) in std::env::vars_os() {
        if is_about_package(&name) {
            command.env_remove(name);
        }
    }
    command
}

fn is_about_package(variable: &OsStr) -> bool {
    let name = variable.to_string_lossy();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

/// The first program of this name on the `PATH`.
pub fn find_program(name: &str) -> Option<PathBuf> {
    find_in(&std::env::var_os("PATH")?, name)
}

fn find_in(path: &OsStr, name: &str) -> Option<PathBuf> {
    std::env::split_paths(path)
        .map(|dir| dir.join(name))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn collect(mut from: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (done, collected) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks ends the text; how the program fared is in its exit status.
        let _ = from.read_to_end(&mut bytes);
        let _ = done.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    collected
}

/// The program and its first word, enough to recognise it in a message without showing its arguments,
/// among which a secret could be.
fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default();
    let first = command
        .get_args()
        .find(|arg| !arg.to_string_lossy().starts_with('-'));
    match first {
        Some(arg) => format!("`{} {}`", program.display(), Path::new(arg).display()),
        None => format!("`{}`", program.display()),
    }
}

impl Output {
    /// What is worth showing of a failure. Some programs give the cause first and advice after it, others
    /// a long protocol with the cause at its end.
    fn excerpt(&self) -> String {
        const FIRST: usize = 15;
        const LAST: usize = 30;
        let lines: Vec<_> = self.stdout.lines().chain(self.stderr.lines()).collect();
        if lines.len() <= FIRST + LAST {
            return lines.join("\n");
        }
        let last = &lines[lines.len() - LAST..];
        [&lines[..FIRST], &["[...]"], last].concat().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn what_a_program_prints_is_collected() {
        let output = run(
            Command::new("sh").args(["-c", "echo out; echo err >&2"]),
            LONG,
        )
        .unwrap();
        assert_eq!(
            (output.stdout.as_str(), output.stderr.as_str()),
            ("out\n", "err\n")
        );
    }

    #[test]
    fn a_failure_shows_the_last_lines() {
        let error = run(
            Command::new("sh").args(["-c", "echo the reason >&2; exit 3"]),
            LONG,
        )
        .unwrap_err()
        .to_string();
        assert!(
            error.contains("exit status: 3") && error.ends_with("the reason"),
            "{error}"
        );
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let error = run(
            Command::new("tail").args(["-f", "/dev/null"]),
            Duration::from_millis(50),
        )
        .unwrap_err()
        .to_string();
        assert!(error.contains("has not finished"), "{error}");
    }

    #[test]
    fn cargo_is_told_nothing_about_the_package_that_runs() {
        let told = |name: &str| is_about_package(OsStr::new(name));
        assert!(told("CARGO_MANIFEST_DIR") && told("CARGO_PKG_VERSION_MAJOR"));
        assert!(!told("CARGO_HOME") && !told("CARGO_TARGET_DIR"));
        // This test runs under cargo, which describes its package.
        let removed = |name: &str| {
            cargo(Path::new("/"))
                .get_envs()
                .any(|(variable, value)| variable == name && value.is_none())
        };
        assert!(removed("CARGO_MANIFEST_DIR"));
    }

    #[test]
    fn only_an_executable_file_is_a_program() {
        assert!(find_in(OsStr::new("/nonexistent:/bin"), "sh").is_some());
        assert_eq!(find_in(OsStr::new("/etc"), "passwd"), None);
    }
}
