//! All parts of the running system, in the order in which they depend on each other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::part::{Part, Probe, Process};
use super::{env, firebase, livekit, postgres};
use crate::endpoints::{Endpoints, Service, address};
use crate::project::Project;
use crate::secrets::Secrets;
use crate::settings::Settings;
use crate::setup::Installed;

/// Everything that the plan is made of.
#[derive(Debug)]
pub struct Context<'a> {
    pub project: &'a Project,
    pub installed: &'a Installed,
    pub endpoints: &'a Endpoints,
    pub settings: &'a Settings,
    pub secrets: &'a Secrets,
    /// This program, which serves the web page too.
    pub xtask: PathBuf,
}

/// Every part. One that the environment replaces is there without a process.
pub fn plan(context: &Context) -> Vec<Part> {
    let mut parts = vec![
        postgres(context),
        firebase(context),
        livekit(context),
        local_ai(context),
    ];
    parts.extend(Service::ALL.map(|service| our_service(context, service)));
    parts.push(web(context));
    parts
}

fn postgres(context: &Context) -> Part {
    let database = &context.endpoints.database;
    let own = database.is_ours.then(|| postgres::process(context));
    Part {
        name: "postgres".into(),
        address: database.address(),
        needs: vec![],
        ready: match &own {
            Some(_) => postgres::probe(context),
            None => Probe::Tcp(database.address()),
        },
        process: own,
    }
}

fn firebase(context: &Context) -> Part {
    let firebase = &context.endpoints.firebase;
    Part {
        name: "firebase".into(),
        address: firebase
            .emulator_host
            .clone()
            .unwrap_or_else(|| firebase.project_id.clone()),
        needs: vec![],
        ready: match &firebase.emulator_host {
            Some(host) => firebase::probe(context, host),
            None => Probe::Assumed,
        },
        process: firebase
            .emulator_host
            .as_ref()
            .map(|_| firebase::process(context)),
    }
}

fn livekit(context: &Context) -> Part {
    let livekit = &context.endpoints.livekit;
    Part {
        name: "livekit".into(),
        address: livekit.url.clone(),
        needs: vec![],
        ready: livekit::probe(livekit),
        process: livekit.is_ours.then(|| livekit::process(context)),
    }
}

fn local_ai(context: &Context) -> Part {
    let openai = &context.endpoints.openai;
    let listen = address(context.endpoints.ports.local_ai());
    Part {
        name: "local-ai".into(),
        address: openai.base_url.clone(),
        needs: vec![],
        ready: if openai.is_ours {
            Probe::Http(format!("http://{listen}/readyz"))
        } else {
            Probe::Assumed
        },
        process: openai
            .is_ours
            .then(|| own_program(context, "local-ai", env::local_ai(context))),
    }
}

fn our_service(context: &Context, service: Service) -> Part {
    let needs: &[&str] = match service {
        Service::Auth => &["postgres"],
        Service::Profile => &["postgres", "auth-svc"],
        Service::Knowledge => &["postgres", "auth-svc", "local-ai"],
        Service::Agent => &[
            "livekit",
            "local-ai",
            "auth-svc",
            "profile-svc",
            "knowledge-svc",
        ],
    };
    Part {
        name: service.program().into(),
        address: context.endpoints.grpc_url(service),
        needs: needs.iter().map(ToString::to_string).collect(),
        ready: Probe::Http(format!(
            "http://{}/readyz",
            context.endpoints.admin_address(service)
        )),
        process: Some(own_program(
            context,
            service.program(),
            env::service(context, service),
        )),
    }
}

fn web(context: &Context) -> Part {
    let url = context.endpoints.web_url();
    let args = [
        "serve-web".into(),
        "--listen".into(),
        context.endpoints.web_address(),
        "--folder".into(),
        text(&context.project.web_dir().join("dist")),
        "--config".into(),
        text(&web_config_path(context.project)),
    ];
    Part {
        name: "web".into(),
        address: url.clone(),
        needs: vec![],
        ready: Probe::Http(format!("{url}/config.json")),
        process: Some(Process {
            args: args.into(),
            ..Process::new(context.xtask.clone(), context.project.root())
        }),
    }
}

/// What the page reads to know where everything is.
pub fn web_config_path(project: &Project) -> PathBuf {
    project.dev_dir().join("web-config.json")
}

fn own_program(context: &Context, name: &str, env: BTreeMap<String, String>) -> Process {
    Process {
        env,
        ..Process::new(
            context.project.programs_dir().join(name),
            context.project.root(),
        )
    }
}

pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::parts::fixture::{Fixture, shown};

    #[test]
    fn every_need_is_a_part_that_comes_before() {
        let fixture = Fixture::new("");
        let mut known = BTreeSet::new();
        for part in plan(&fixture.context()) {
            assert!(
                part.needs.iter().all(|need| known.contains(need)),
                "{}: {:?}",
                part.name,
                part.needs
            );
            known.insert(part.name);
        }
    }

    #[test]
    fn what_the_environment_names_is_not_started() {
        let fixture = Fixture::new(
            "OPENAI_API_KEY=k\nLIVEKIT_URL=wss://l\nLIVEKIT_API_KEY=k\nLIVEKIT_API_SECRET=s\n\
             DATABASE_URL=postgresql://u:p@d/n\nFIREBASE_PROJECT_ID=p\nFIREBASE_API_KEY=k",
        );
        let parts = plan(&fixture.context());
        let started: Vec<_> = parts
            .iter()
            .filter(|part| part.process.is_some())
            .map(|part| part.name.as_str())
            .collect();
        assert_eq!(
            started,
            [
                "auth-svc",
                "profile-svc",
                "knowledge-svc",
                "agent-svc",
                "web"
            ]
        );
    }

    #[test]
    fn the_environment_of_each_part() {
        let fixture = Fixture::new("RUST_LOG=debug");
        insta::assert_snapshot!(shown(&plan(&fixture.context())));
    }
}
