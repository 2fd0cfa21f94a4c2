//! The supervisor as a real process, over small real programs.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use xtask::parts::{Part, Probe, Process, Signal};
use xtask::project::Project;
use xtask::supervisor::{self, PartStatus, Supervisor};

/// Longer than anything here takes, so that a hang fails the test.
const LIMIT: Duration = Duration::from_secs(20);

struct Clone {
    dir: TempDir,
}

impl Clone {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join(".dev")).unwrap();
        Self { dir }
    }

    fn project(&self) -> Project {
        Project::at(self.dir.path())
    }

    async fn supervisor(&self) -> Supervisor {
        supervisor::start(&self.project(), Path::new(env!("CARGO_BIN_EXE_xtask")))
            .await
            .unwrap()
    }

    fn supervisor_pid(&self) -> u32 {
        let lock = self.project().dev_dir().join("supervisor.lock");
        std::fs::read_to_string(lock).unwrap().parse().unwrap()
    }

    fn part(&self, name: &str, script: &str) -> Part {
        Part {
            name: name.into(),
            address: String::new(),
            needs: vec![],
            ready: Probe::Command("true".into(), vec![]),
            process: Some(Process {
                program: "sh".into(),
                args: vec!["-c".into(), script.into()],
                env: BTreeMap::new(),
                dir: self.dir.path().into(),
                user: None,
                stop: Signal::Terminate,
                orphaned: Signal::Kill,
                stops_last: false,
            }),
        }
    }
}

impl Drop for Clone {
    fn drop(&mut self) {
        // A test that failed must leave no supervisor behind.
        if Supervisor::find(&self.project()).is_some() {
            kill(self.supervisor_pid());
        }
    }
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid.try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

/// Neither gone nor a zombie.
fn is_alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .trim_start()
            .starts_with('Z')
    })
}

async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let poll = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LIMIT, poll)
        .await
        .unwrap_or_else(|_| panic!("never happened: {what}"));
}

async fn status(supervisor: &Supervisor, name: &str) -> PartStatus {
    let status = supervisor.status().await.unwrap();
    status
        .parts
        .into_iter()
        .find(|known| known.part.name == name)
        .unwrap()
}

async fn pid(supervisor: &Supervisor, name: &str) -> u32 {
    status(supervisor, name).await.pid.unwrap()
}

const SLEEPER: &str = "exec sleep 600";

#[tokio::test]
async fn killing_the_supervisor_ends_every_part() {
    let clone = Clone::new();
    let supervisor = clone.supervisor().await;
    // One ignores every polite signal.
    let stubborn = "trap '' TERM INT; exec sleep 600";
    supervisor
        .plan(vec![clone.part("a", SLEEPER), clone.part("b", stubborn)])
        .await
        .unwrap();
    let mut pids = vec![];
    for name in ["a", "b"] {
        assert!(supervisor.start(name).await.unwrap());
        pids.push(pid(&supervisor, name).await);
    }
    assert!(pids.iter().all(|pid| is_alive(*pid)));

    kill(clone.supervisor_pid());
    until("every part is gone", async || {
        pids.iter().all(|pid| !is_alive(*pid))
    })
    .await;
    assert!(Supervisor::find(&clone.project()).is_none());
}

#[tokio::test]
async fn a_part_that_dies_stays_dead_until_it_is_started_again() {
    let clone = Clone::new();
    let supervisor = clone.supervisor().await;
    supervisor
        .plan(vec![clone.part("a", SLEEPER), clone.part("b", SLEEPER)])
        .await
        .unwrap();
    supervisor.start("a").await.unwrap();
    supervisor.start("b").await.unwrap();
    let (first, other) = (pid(&supervisor, "a").await, pid(&supervisor, "b").await);

    kill(first);
    until("the end is seen", async || {
        status(&supervisor, "a").await.pid.is_none()
    })
    .await;
    let ended = status(&supervisor, "a").await.ended.unwrap();
    assert!(ended.contains("signal: 9"), "{ended}");
    assert_eq!(pid(&supervisor, "b").await, other);

    assert!(supervisor.start("a").await.unwrap());
    assert_ne!(pid(&supervisor, "a").await, first);
    assert!(!supervisor.start("b").await.unwrap(), "it runs already");
    supervisor.shut_down().await.unwrap();
}

#[tokio::test]
async fn shutting_down_ends_stubborn_parts_too_and_the_foundation_last() {
    let clone = Clone::new();
    let supervisor = clone.supervisor().await;
    let on_term = |name: &str| {
        format!(
            "trap 'echo {name} >> order; exit 0' TERM; echo >> ready-{name}; while :; do sleep 0.01; done"
        )
    };
    let mut foundation = clone.part("foundation", &on_term("foundation"));
    foundation.process.as_mut().unwrap().stops_last = true;
    let stubborn = clone.part(
        "stubborn",
        "trap '' TERM; echo >> ready-stubborn; exec sleep 600",
    );
    let parts = vec![
        foundation,
        stubborn,
        clone.part("service", &on_term("service")),
    ];
    supervisor.plan(parts).await.unwrap();
    let mut pids = vec![];
    for name in ["foundation", "stubborn", "service"] {
        supervisor.start(name).await.unwrap();
        pids.push(pid(&supervisor, name).await);
        until("its trap is set", async || {
            clone.dir.path().join(format!("ready-{name}")).exists()
        })
        .await;
    }

    supervisor.shut_down().await.unwrap();
    assert!(pids.iter().all(|pid| !is_alive(*pid)));
    let order = std::fs::read_to_string(clone.dir.path().join("order")).unwrap();
    assert_eq!(order, "service\nfoundation\n");
}

#[tokio::test]
async fn a_changed_plan_stops_what_is_not_in_it_and_keeps_the_rest() {
    let clone = Clone::new();
    let supervisor = clone.supervisor().await;
    let parts = || {
        vec![
            clone.part("kept", SLEEPER),
            clone.part("changed", SLEEPER),
            clone.part("dropped", SLEEPER),
        ]
    };
    supervisor.plan(parts()).await.unwrap();
    for name in ["kept", "changed", "dropped"] {
        supervisor.start(name).await.unwrap();
    }
    let (kept, dropped) = (
        pid(&supervisor, "kept").await,
        pid(&supervisor, "dropped").await,
    );

    let mut plan = parts();
    plan.pop();
    plan[1]
        .process
        .as_mut()
        .unwrap()
        .env
        .insert("SETTING".into(), "new".into());
    supervisor.plan(plan).await.unwrap();
    assert_eq!(pid(&supervisor, "kept").await, kept);
    assert_eq!(status(&supervisor, "changed").await.pid, None);
    assert!(!is_alive(dropped));
    assert!(
        supervisor
            .start("dropped")
            .await
            .unwrap_err()
            .to_string()
            .contains("not in the plan")
    );
    supervisor.shut_down().await.unwrap();
}

#[tokio::test]
async fn a_part_sees_its_own_settings_and_none_of_the_starters() {
    let clone = Clone::new();
    let supervisor = clone.supervisor().await;
    let mut part = clone.part("a", "env > seen.new; mv seen.new seen");
    part.process
        .as_mut()
        .unwrap()
        .env
        .insert("SETTING".into(), "one".into());
    supervisor.plan(vec![part]).await.unwrap();
    supervisor.start("a").await.unwrap();
    let seen = clone.dir.path().join("seen");
    until("it has run", async || seen.exists()).await;
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(
        seen.contains("SETTING=one") && seen.contains("PATH="),
        "{seen}"
    );
    assert!(!seen.contains("CARGO"), "{seen}");
    supervisor.shut_down().await.unwrap();
}

#[tokio::test]
async fn two_clones_use_two_blocks_of_ports_and_keep_them() {
    let (one, two) = (Clone::new(), Clone::new());
    let first = one.supervisor().await;
    let second = two.supervisor().await;
    let base = first.status().await.unwrap().base_port;
    assert_ne!(base, second.status().await.unwrap().base_port);

    first.shut_down().await.unwrap();
    let again = one.supervisor().await;
    assert_eq!(again.status().await.unwrap().base_port, base);
    again.shut_down().await.unwrap();
    second.shut_down().await.unwrap();
}

#[tokio::test]
async fn a_second_supervisor_of_a_clone_refuses_to_start() {
    let clone = Clone::new();
    let supervisor = clone.supervisor().await;
    let second = tokio::process::Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("supervise")
        .arg(clone.dir.path())
        .output();
    let output = tokio::time::timeout(LIMIT, second).await.unwrap().unwrap();
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("another supervisor of this clone runs")
    );
    supervisor.shut_down().await.unwrap();
}
