//! auth-svc as a process: its command line, its settings, and what it says when it cannot start.

use std::{
    process::{Command, Output, Stdio},
    time::Duration,
};

use test_kit::TestDatabase;

/// The program with settings that are good on a developer's machine, `replaced` by others.
fn program(args: &[&str], replaced: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth-svc"));
    command.args(args).env_clear().envs([
        ("LISTEN_ADDR", "127.0.0.1:0"),
        ("ADMIN_ADDR", "127.0.0.1:0"),
        ("INSTA_ENV", "dev"),
        (
            "DATABASE_URL",
            "postgresql://insta_auth:canary@127.0.0.1:1/insta",
        ),
        ("FIREBASE_PROJECT_ID", "demo-insta"),
        ("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9099"),
        ("PROFILE_URL", "http://127.0.0.1:1"),
        ("LIVEKIT_URL", "ws://127.0.0.1:1"),
        ("LIVEKIT_API_KEY", "key"),
        ("LIVEKIT_API_SECRET", "canary-canary-canary-canary-canary"),
        ("CLIENT_SECRET", "canary-canary-canary-canary-canary"),
    ]);
    command.envs(replaced.iter().copied());
    command
}

/// How the program ended and what it said of it.
fn said(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains("canary"), "a secret was told: {errors}");
    format!(
        "{}: {}",
        output.status.code().unwrap_or(-1),
        errors.trim_end()
    )
}

#[test]
fn settings_that_must_not_be_served_with_end_the_process_with_a_sentence() {
    let mut lines = Vec::new();
    for replaced in [
        ("INSTA_ENV", "production"),
        ("LISTEN_ADDR", "0.0.0.0:0"),
        ("LIVEKIT_API_SECRET", "canary"),
        ("FIREBASE_PROJECT_ID", ""),
    ] {
        let output = program(&[], &[replaced]).output().unwrap();
        lines.push(said(&output));
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    1: error: FIREBASE_AUTH_EMULATOR_HOST is set, and the emulator's tokens are not signed: unset it, or set INSTA_ENV=dev on a developer's machine
    1: error: FIREBASE_AUTH_EMULATOR_HOST is set, and the emulator's tokens are not signed: LISTEN_ADDR must be a loopback address such as 127.0.0.1:7701
    1: error: LIVEKIT_API_SECRET must have at least 32 characters, has 6
    1: error: FIREBASE_PROJECT_ID is empty: set it to the id of the Firebase project
    ");
}

#[test]
fn production_is_meant_when_nothing_is_said() {
    let output = program(&[], &[]).env_remove("INSTA_ENV").output().unwrap();
    assert!(said(&output).contains("FIREBASE_AUTH_EMULATOR_HOST is set"));
}

#[tokio::test]
async fn the_first_rows_are_written_from_the_command_line() {
    let database = TestDatabase::new().await;
    let url = database.url("insta_auth");
    let with_database = [("DATABASE_URL", url.expose())];
    let client = [
        "bootstrap-client",
        "--id",
        "agent-svc",
        "--scope",
        "calls.serve",
        "profile.read",
    ];
    let operator = ["bootstrap-operator", "--user-id", "ada"];
    for args in [&client[..], &client, &operator, &operator] {
        let output = program(args, &with_database).output().unwrap();
        assert_eq!(said(&output), "0: ");
        assert!(output.stdout.is_empty());
    }
    let nowhere = program(&operator, &[]).output().unwrap();
    insta::assert_snapshot!(said(&nowhere), @"1: error: the database does not answer: no database connection: Timed out in bb8");
    let bad = program(&["bootstrap-client", "--id", "Agent", "--scope", "x"], &[]).output();
    assert_eq!(bad.unwrap().status.code(), Some(2));
}

#[tokio::test]
async fn the_process_starts_while_all_else_is_away_and_ends_when_told_to() {
    let mut child = tokio::process::Command::from(program(&[], &[]))
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = tokio::io::BufReader::new(child.stderr.take().unwrap());
    let mut log = String::new();
    let serving = async {
        use tokio::io::AsyncBufReadExt;
        while !log.contains("Serving") {
            assert_ne!(
                lines.read_line(&mut log).await.unwrap(),
                0,
                "it ended: {log}"
            );
        }
    };
    tokio::time::timeout(Duration::from_secs(20), serving)
        .await
        .expect("it serves");
    assert!(log.contains("ID TOKENS ARE NOT VERIFIED"), "{log}");
    let pid = child.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    let ended = tokio::time::timeout(Duration::from_secs(20), child.wait()).await;
    assert!(ended.expect("it ends").unwrap().success());
}
