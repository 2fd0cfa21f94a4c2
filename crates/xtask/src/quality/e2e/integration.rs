//! An internal system sets a tier, a fact and an article; the next call speaks all three.

use anyhow::ensure;
use serde_json::{Value, json};

use super::shown;
use super::system::{System, says};

const UPDATE_PROFILE: &str = "insta.profile.v1.ProfileService/UpdateProfile";
const SET_FACTS: &str = "insta.profile.v1.ProfileService/SetAccountFacts";
const DELETE_FACTS: &str = "insta.profile.v1.ProfileService/DeleteAccountFacts";
const CREATE_DOCUMENT: &str = "insta.knowledge.v1.KnowledgeService/CreateDocument";
const DELETE_DOCUMENT: &str = "insta.knowledge.v1.KnowledgeService/DeleteDocument";
const DOCUMENT: &str = "journey-office-parrot";

pub(super) fn show(system: &System) -> anyhow::Result<()> {
    let user = &system.state.users[0];
    let token = system.token(&["--client", "integration"])?;
    // What a broken run has left behind.
    put_back(system, &token)?;
    let result = set_and_ask(system, &token);
    put_back(system, &token)?;
    result?;

    let session = system.user_token(&user.email)?;
    let facts = json!({"user_id": user.user_id, "facts": [fact()]});
    system.refused(&session, SET_FACTS, &facts, "PermissionDenied")?;
    system.refused(&session, CREATE_DOCUMENT, &article(), "PermissionDenied")?;
    shown("without the scope nothing is set");
    Ok(())
}

fn set_and_ask(system: &System, token: &str) -> anyhow::Result<()> {
    let user = &system.state.users[0];
    system.must(token, UPDATE_PROFILE, &tier(&user.user_id, "enterprise"))?;
    let facts = json!({"user_id": user.user_id, "facts": [fact()]});
    system.must(token, SET_FACTS, &facts)?;
    system.must(token, CREATE_DOCUMENT, &article())?;

    let report = system.call([
        "--user",
        &user.email,
        "--say",
        "What plan am I on?",
        "--say",
        "Who is my success coach?",
        "--say",
        "How do I feed the office parrot?",
    ])?;
    let turns = &report["turns"];
    for (index, words) in ["enterprise", "Daniel Moss", "sunflower seeds"]
        .into_iter()
        .enumerate()
    {
        ensure!(
            says(&turns[index]["answer"], words),
            "the answer should hold {words:?}: {report}"
        );
    }
    shown("a tier, a fact and an article set over gRPC are spoken in the next call");
    Ok(())
}

fn tier(user_id: &str, tier: &str) -> Value {
    let tier = format!("SUBSCRIPTION_TIER_{}", tier.to_uppercase());
    json!({
        "profile": {"user_id": user_id, "subscription_tier": tier},
        // grpcurl takes the mask as a message, not as the JSON string that others take.
        "update_mask": {"paths": ["subscription_tier"]},
    })
}

fn fact() -> Value {
    json!({"key": "success_coach", "label": "success coach", "value": "Daniel Moss"})
}

fn article() -> Value {
    json!({"document": {
        "document_id": DOCUMENT,
        "collection": "help",
        "title": "Feed the office parrot",
        "language": "en",
        "content_type": "CONTENT_TYPE_MARKDOWN",
        "content": "To feed the office parrot, put two spoons of sunflower seeds into its bowl every morning.",
    }})
}

/// Everything as the demo has it; what is not there need not be taken away.
fn put_back(system: &System, token: &str) -> anyhow::Result<()> {
    let user = &system.state.users[0];
    let own = tier(&user.user_id, &user.subscription_tier);
    system.must(token, UPDATE_PROFILE, &own)?;
    let keys = json!({"user_id": user.user_id, "keys": ["success_coach"]});
    let _ = system.rpc(token, DELETE_FACTS, &keys)?;
    let _ = system.rpc(token, DELETE_DOCUMENT, &json!({"document_id": DOCUMENT}))?;
    Ok(())
}
