//! The program by itself, as somebody with another agent framework starts it.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use super::dialogue::models_dir;

/// Loading the models takes seconds, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_mins(1);

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local-ai"));
    command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

#[tokio::test]
async fn it_says_what_it_loaded_and_where_it_serves_and_ends_when_told() {
    let mut program = program()
        .args(["--listen", "127.0.0.1:0", "--threads", "1", "--models-dir"])
        .arg(models_dir())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stderr.take().unwrap()).lines();
    let mut said = String::new();
    let address = timeout(PATIENCE, async {
        while let Some(line) = lines.next_line().await.unwrap() {
            said.push_str(&line);
            if let Some((_, rest)) = line.split_once("ws://") {
                return rest.split('/').next().unwrap().to_owned();
            }
        }
        panic!("it ended: {said}")
    });
    let address = address.await.unwrap();
    for model in [
        "moonshine-tiny-en",
        "kokoro-82m",
        "all-minilm-l6-v2",
        "silero-vad",
    ] {
        assert!(said.contains(model), "{model}: {said}");
    }
    assert!(said.contains("audio/transcriptions"), "{said}");
    let models = reqwest::get(format!("http://{address}/v1/models")).await;
    let models: Value = models.unwrap().json().await.unwrap();
    assert_eq!(models["object"], "list");
    let id = program.id().unwrap().to_string();
    let told = Command::new("kill").args(["-TERM", &id]).status().await;
    assert!(told.unwrap().success());
    let ended = timeout(PATIENCE, program.wait()).await.unwrap().unwrap();
    assert!(ended.success(), "{ended}");
}

#[tokio::test]
async fn without_models_it_says_how_to_get_them() {
    let nowhere = tempfile::tempdir().unwrap();
    let mut said = Vec::new();
    let missing = nowhere.path().join("models");
    for args in [vec![], vec!["--models-dir".as_ref(), missing.as_os_str()]] {
        let program = program().args(args).current_dir(nowhere.path()).output();
        let output = timeout(PATIENCE, program).await.unwrap().unwrap();
        assert!(!output.status.success());
        let text = String::from_utf8(output.stderr).unwrap();
        said.push(text.replace(&*missing.to_string_lossy(), "[missing]"));
    }
    insta::assert_snapshot!(said.concat());
}
