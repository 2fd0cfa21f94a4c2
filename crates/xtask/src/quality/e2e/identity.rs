//! Who may do what, over the network.

use anyhow::ensure;
use serde_json::{Value, json};

use super::system::System;
use super::{block_on, shown};

const GET_PROFILE: &str = "insta.profile.v1.ProfileService/GetProfile";

pub(super) fn show(system: &System) -> anyhow::Result<()> {
    let [one, other] = &system.state.users[..2] else {
        anyhow::bail!("there are no two demo users");
    };
    let token = system.user_token(&one.email)?;
    let own = system.must(&token, GET_PROFILE, &json!({}))?;
    ensure!(own["profile"]["userId"] == one.user_id, "{own}");

    let tampered = tampered(&token);
    let foreign = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJ4In0.";
    for wrong in ["", "nonsense", foreign, &tampered] {
        for method in [
            GET_PROFILE,
            "insta.knowledge.v1.KnowledgeService/Search",
            "insta.agent.v1.AgentService/ListCalls",
        ] {
            system.refused(wrong, method, &json!({}), "Unauthenticated")?;
        }
    }
    shown("a missing, a broken, a foreign and a changed token are refused");

    let request = json!({"user_id": other.user_id});
    system.refused(&token, GET_PROFILE, &request, "NotFound")?;
    shown("another user's profile is not found");

    let url = format!("{}/livekit/token", system.state.services["agent"].grpc);
    let (status, _) = ask_for_token(&url, None)?;
    ensure!(status == 401, "without a session: HTTP {status}");
    let (status, answer) = ask_for_token(&url, Some(&token))?;
    ensure!(status == 201, "with a session: HTTP {status} {answer}");
    for field in [
        "server_url",
        "participant_token",
        "room_name",
        "participant_name",
    ] {
        ensure!(answer[field].is_string(), "{field} is missing: {answer}");
    }
    ensure!(
        answer["room_name"] != "mine",
        "the room was chosen: {answer}"
    );
    shown("/livekit/token asks for a session and chooses the room itself");

    // Nobody comes to this call.
    let operator = system.operator_token()?;
    let calls = system.must(
        &operator,
        "insta.agent.v1.AgentService/ListCalls",
        &json!({"user_id": one.user_id, "page_size": 1}),
    )?;
    system.must(
        &operator,
        "insta.agent.v1.AgentService/EndCall",
        &json!({"call_id": calls["calls"][0]["callId"]}),
    )?;
    Ok(())
}

/// The token with another last letter but one; the last one may hold no whole bits.
fn tampered(token: &str) -> String {
    let mut letters: Vec<char> = token.chars().collect();
    let index = letters.len() - 2;
    letters[index] = if letters[index] == 'A' { 'B' } else { 'A' };
    letters.into_iter().collect()
}

fn ask_for_token(url: &str, token: Option<&str>) -> anyhow::Result<(u16, Value)> {
    block_on(async {
        let mut request = reqwest::Client::new()
            .post(url)
            .header("content-type", "application/json")
            .body(r#"{"room_name":"mine","participant_identity":"somebody"}"#);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let body = serde_json::from_str(&answer.text().await?).unwrap_or_default();
        Ok((status, body))
    })
}
