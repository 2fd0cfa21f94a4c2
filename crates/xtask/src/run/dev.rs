//! `dev`: everything in the foreground, with the parts' logs as they are written, until Ctrl-C.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, IsTerminal, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use super::{Options, down, up};
use crate::project::Project;
use crate::setup;
use crate::state::State;

const POLL: Duration = Duration::from_millis(200);
/// Terminal colours that can be told apart on light and dark.
const COLOURS: [u8; 6] = [36, 33, 35, 32, 34, 31];

/// Brings everything up, shows the logs, and stops everything on Ctrl-C.
pub fn dev(project: &Project, options: &Options) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let logs = runtime.spawn(follow(project.logs_dir()));
    let interrupted = runtime.spawn(tokio::signal::ctrl_c());
    let starting = {
        let (project, options) = (project.clone(), options.clone());
        runtime.spawn_blocking(move || up(&project, &options))
    };
    let result = runtime.block_on(async {
        tokio::pin!(interrupted);
        tokio::select! {
            // Whatever is half started is stopped below.
            signal = &mut interrupted => return signal.context("Ctrl-C cannot be awaited")?.map_err(Into::into),
            state = starting => print_panel(&state.context("`up` did not come back")??)?,
        }
        interrupted.await.context("Ctrl-C cannot be awaited")?.map_err(anyhow::Error::from)
    });
    eprintln!("Stopping");
    let stopped = runtime.block_on(down(project));
    logs.abort();
    // A start that was interrupted is not waited for; its supervisor is gone.
    runtime.shutdown_background();
    result.and(stopped)
}

fn print_panel(state: &State) -> anyhow::Result<()> {
    eprintln!("\n  Page         {}", state.web.url);
    for user in &state.users {
        eprintln!(
            "  Login        {} / {}  ({})",
            user.email, user.password, user.subscription_tier
        );
    }
    for (name, service) in &state.services {
        eprintln!(
            "  {name:<12} {}  health and metrics {}",
            service.grpc, service.admin
        );
    }
    eprintln!(
        "  LiveKit      {}\n  OpenAI       {}",
        state.livekit.url, state.local_ai.base_url
    );
    eprintln!("\n  To try:");
    if let Some(user) = state.users.first() {
        print_user_lines(state, &user.email)?;
    }
    eprintln!(
        "  web/node_modules/.bin/buf curl --protocol grpc --http2-prior-knowledge \\\n    \
         -H \"authorization: Bearer $(cargo xtask token --client integration)\" \\\n    \
         -d '{{\"query\":\"How do I reset my password?\"}}' \\\n    \
         {}/insta.knowledge.v1.KnowledgeService/Search",
        state.services["knowledge"].grpc
    );
    eprintln!("\n  Ctrl-C stops everything.\n");
    Ok(())
}

fn print_user_lines(state: &State, email: &str) -> anyhow::Result<()> {
    let grpcurl = setup::locate()?.grpcurl;
    eprintln!("  cargo xtask call --say 'What plan am I on?' --user {email}");
    eprintln!(
        "  {} -plaintext \\\n    -H \"authorization: Bearer $(cargo xtask token --user {email})\" \\\n    \
         {} insta.profile.v1.ProfileService/GetProfile",
        grpcurl.display(),
        state.services["profile"].grpc.trim_start_matches("http://")
    );
    Ok(())
}

/// Prints what is written to the logs from now on.
async fn follow(folder: PathBuf) {
    let mut tails: BTreeMap<PathBuf, Tail> = BTreeMap::new();
    let mut first = true;
    loop {
        for path in logs(&folder) {
            let count = tails.len();
            let tail = tails
                .entry(path.clone())
                .or_insert_with(|| Tail::new(&path, count, first));
            // A log that cannot be read now is tried again.
            let _ = tail.print_new(&path);
        }
        first = false;
        tokio::time::sleep(POLL).await;
    }
}

fn logs(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "log"))
        .collect()
}

/// How far one log has been shown.
struct Tail {
    prefix: String,
    /// Another file takes a log's place when its part is started again.
    inode: u64,
    shown: u64,
}

impl Tail {
    fn new(path: &Path, count: usize, skip: bool) -> Self {
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let prefix = if std::io::stderr().is_terminal() {
            format!(
                "\x1b[{}m{name:>13} |\x1b[0m ",
                COLOURS[count % COLOURS.len()]
            )
        } else {
            format!("{name:>13} | ")
        };
        let meta = fs::metadata(path).ok().filter(|_| skip);
        Self {
            prefix,
            inode: meta.as_ref().map_or(0, MetadataExt::ino),
            shown: meta.map_or(0, |meta| meta.len()),
        }
    }

    fn print_new(&mut self, path: &Path) -> std::io::Result<()> {
        let mut file = File::open(path)?;
        let inode = file.metadata()?.ino();
        if inode != self.inode {
            (self.inode, self.shown) = (inode, 0);
        }
        file.seek(SeekFrom::Start(self.shown))?;
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        // A line that is still being written is left for the next time.
        while reader.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
            eprint!("{}{}", self.prefix, String::from_utf8_lossy(&line));
            self.shown += line.len() as u64;
            line.clear();
        }
        Ok(())
    }
}
