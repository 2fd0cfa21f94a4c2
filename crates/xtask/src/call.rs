//! `call`: a call by a demo user, made by the `caller` program against what is up.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::Context;
use serde_json::json;

use crate::project::Project;
use crate::run;
use crate::settings::Settings;
use crate::state::State;

/// Signs the user in and becomes `caller`, whose options and exit codes are its own but for `--user`.
pub async fn call(project: &Project, args: Vec<OsString>) -> ExitCode {
    let wants_json = args.iter().any(|arg| arg == "--json");
    let error = match prepare(project, args).await {
        // It comes back only when it could not be started.
        Ok(mut command) => {
            let program = command.get_program().to_string_lossy().into_owned();
            anyhow::Error::new(command.exec()).context(program)
        }
        Err(error) => error,
    };
    if wants_json {
        println!("{}", json!({"ok": false, "error": format!("{error:#}")}));
    } else {
        eprintln!("error: {error:#}");
    }
    ExitCode::FAILURE
}

async fn prepare(project: &Project, args: Vec<OsString>) -> anyhow::Result<Command> {
    let mut command = Command::new(project.programs_dir().join("caller"));
    let (user, rest) = take_user(args)?;
    command.args(&rest);
    if rest.iter().any(|arg| arg == "--help" || arg == "-h") {
        return Ok(command);
    }
    let state = State::read(project)?;
    let user = match user {
        Some(email) => email,
        None => state
            .users
            .first()
            .context("there are no demo users")?
            .email
            .clone(),
    };
    let settings = Settings::load(project)?;
    command
        .env("AGENT_URL", &state.services["agent"].grpc)
        .env("SESSION_TOKEN", run::session_token(&state, &user).await?)
        .env("OPENAI_BASE_URL", &state.local_ai.base_url)
        .env(
            "OPENAI_API_KEY",
            settings.get("OPENAI_API_KEY").unwrap_or("local"),
        );
    Ok(command)
}

/// Takes `--user EMAIL` out of the arguments; the last one counts.
fn take_user(args: Vec<OsString>) -> anyhow::Result<(Option<String>, Vec<OsString>)> {
    let (mut user, mut rest) = (None, Vec::new());
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("--user") => {
                let email = args.next().and_then(|email| email.into_string().ok());
                user = Some(email.context("--user needs an e-mail address")?);
            }
            Some(text) if text.starts_with("--user=") => {
                user = Some(text["--user=".len()..].to_owned());
            }
            _ => rest.push(arg),
        }
    }
    Ok((user, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(args: &[&str]) -> (Option<String>, Vec<OsString>) {
        take_user(args.iter().map(OsString::from).collect()).unwrap()
    }

    #[test]
    fn the_user_is_taken_out_wherever_it_stands() {
        let (user, rest) = taken(&["--say", "hi", "--user", "a@b", "--json"]);
        assert_eq!(user.as_deref(), Some("a@b"));
        assert_eq!(rest, ["--say", "hi", "--json"]);
        assert_eq!(taken(&["--user=c@d"]).0.as_deref(), Some("c@d"));
        assert_eq!(taken(&["--say", "hi"]).0, None);
    }

    #[test]
    fn a_user_without_an_address_is_refused() {
        take_user(vec!["--user".into()]).unwrap_err();
    }
}
