//! The environment of each of our programs. Every secret reaches those that need it and no other.

use std::collections::BTreeMap;

use super::plan::{Context, text};
use crate::endpoints::{AGENT_NAME, Service, address};
use crate::secrets::Secret;

/// Settings that are handed out one by one below, never as a whole.
const HANDED_OUT: &[&str] = &[
    "DATABASE_URL",
    "FALLBACK_API_KEY",
    "FALLBACK_BASE_URL",
    "FIREBASE_API_KEY",
    "FIREBASE_PROJECT_ID",
    "LIVEKIT_API_KEY",
    "LIVEKIT_API_SECRET",
    "LIVEKIT_URL",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "TURN_DETECTION",
];

type Env = BTreeMap<String, String>;

pub(super) fn service(context: &Context, service: Service) -> Env {
    let mut env = common(context, service);
    match service {
        Service::Auth => auth(context, &mut env),
        Service::Profile => {}
        Service::Knowledge => openai(context, &mut env),
        Service::Agent => agent(context, &mut env),
    }
    env
}

pub(super) fn local_ai(context: &Context) -> Env {
    let mut env = chosen(context);
    set(
        &mut env,
        "LISTEN_ADDR",
        address(context.endpoints.ports.local_ai()),
    );
    set(&mut env, "MODELS_DIR", text(&context.installed.models));
    env
}

fn common(context: &Context, service: Service) -> Env {
    let endpoints = context.endpoints;
    let mut env = chosen(context);
    set(&mut env, "INSTA_ENV", "dev");
    set(&mut env, "LISTEN_ADDR", endpoints.grpc_address(service));
    set(&mut env, "ADMIN_ADDR", endpoints.admin_address(service));
    // A whole `down` is to be over within five seconds.
    set(&mut env, "DRAIN_TIMEOUT_SECS", "1");
    set(&mut env, "DATABASE_URL", database_url(context, service));
    set(&mut env, "AUTH_URL", endpoints.grpc_url(Service::Auth));
    set(
        &mut env,
        "PROFILE_URL",
        endpoints.grpc_url(Service::Profile),
    );
    set(
        &mut env,
        "KNOWLEDGE_URL",
        endpoints.grpc_url(Service::Knowledge),
    );
    let port = endpoints.ports.web();
    let origins = format!("http://127.0.0.1:{port},http://localhost:{port}");
    env.entry("CORS_ALLOWED_ORIGINS".into()).or_insert(origins);
    env
}

/// Our database as the role of a service.
pub fn database_url(context: &Context, service: Service) -> String {
    let password = context.secrets.get(Secret::Role(service.name()));
    context
        .endpoints
        .database
        .role_url(&format!("insta_{}", service.name()), password)
}

fn auth(context: &Context, env: &mut Env) {
    let endpoints = context.endpoints;
    set(env, "LIVEKIT_URL", &endpoints.livekit.url);
    set(env, "LIVEKIT_API_KEY", &endpoints.livekit.api_key);
    set(env, "LIVEKIT_API_SECRET", &endpoints.livekit.api_secret);
    set(env, "FIREBASE_PROJECT_ID", &endpoints.firebase.project_id);
    if let Some(host) = &endpoints.firebase.emulator_host {
        set(env, "FIREBASE_AUTH_EMULATOR_HOST", host);
    }
}

fn agent(context: &Context, env: &mut Env) {
    client(context, env, "agent-svc");
    openai(context, env);
    set(env, "LIVEKIT_URL", &context.endpoints.livekit.url);
    let mut default = |name: &str, value: &str| {
        env.entry(name.into()).or_insert_with(|| value.into());
    };
    default("LIVEKIT_AGENT_NAME", AGENT_NAME);
    if let Some(detection) = context.settings.get("TURN_DETECTION") {
        default("TURN_DETECTION", detection);
    }
    // The demo articles are this company's.
    default("COMPANY_NAME", "Paper Lantern");
    if context.endpoints.openai.is_ours {
        // Its speech endpoint answers sooner than a Realtime session that reads aloud.
        default("TTS_MODEL", "tts-1");
    }
    for name in ["FALLBACK_BASE_URL", "FALLBACK_API_KEY"] {
        if let Some(value) = context.settings.get(name) {
            set(env, name, value);
        }
    }
    set(env, "MODELS_DIR", text(&context.installed.models));
}

fn openai(context: &Context, env: &mut Env) {
    set(env, "OPENAI_BASE_URL", &context.endpoints.openai.base_url);
    set(env, "OPENAI_API_KEY", &context.endpoints.openai.api_key);
}

fn client(context: &Context, env: &mut Env, id: &'static str) {
    set(env, "CLIENT_ID", id);
    set(
        env,
        "CLIENT_SECRET",
        context.secrets.get(Secret::Client(id)),
    );
}

/// What the person has set, but for addresses and keys.
fn chosen(context: &Context) -> Env {
    let mut env = context.settings.all().clone();
    env.retain(|name, _| !HANDED_OUT.contains(&name.as_str()));
    // What they print goes to a file.
    set(&mut env, "NO_COLOR", "1");
    env
}

fn set(env: &mut Env, name: &str, value: impl Into<String>) {
    env.insert(name.into(), value.into());
}
