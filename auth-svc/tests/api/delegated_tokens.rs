//! IssueDelegatedToken: for whom, on what proof, and that a call never changes hands.

use auth_svc::Config;
use chrono::TimeDelta;
use futures::future::join_all;
use livekit_protocol::{
    ParticipantInfo,
    participant_info::{Kind, State},
};
use proto::insta::auth::v1::{
    IssueDelegatedTokenRequest, IssueDelegatedTokenResponse,
    issue_delegated_token_request::{LivekitParticipant, Proof, Renewal},
};
use proto::insta::profile::v1::SubscriptionTier;
use service_kit::{CallId, Caller, Scope, Tier, field};
use test_kit::{Identity, told};
use tonic::{Code, Status};

use crate::{
    app::{TestApp, with_token},
    profiles::Answer,
};

const RENEWAL: Option<Proof> = Some(Proof::Renewal(Renewal {}));

fn session(token: &str) -> Option<Proof> {
    Some(Proof::SessionToken(token.into()))
}

fn participant(room: &str, identity: &str) -> Option<Proof> {
    Some(Proof::LivekitParticipant(LivekitParticipant {
        room: room.into(),
        identity: identity.into(),
    }))
}

async fn issue(
    app: &TestApp,
    token: &str,
    call_id: &str,
    proof: Option<Proof>,
) -> Result<IssueDelegatedTokenResponse, Status> {
    let call_id = call_id.into();
    let request = with_token(token, IssueDelegatedTokenRequest { call_id, proof });
    Ok(app
        .client()
        .issue_delegated_token(request)
        .await?
        .into_inner())
}

/// What is said instead of a token.
async fn refusal(app: &TestApp, token: &str, call_id: &str, proof: Option<Proof>) -> String {
    told(&issue(app, token, call_id, proof).await.unwrap_err())
}

async fn agent(app: &TestApp) -> String {
    app.service_token("agent-svc", Scope::CallsServe).await
}

fn call() -> String {
    CallId::generate().to_string()
}

#[tokio::test]
async fn a_live_session_lets_the_agent_act_for_its_user_in_one_call() {
    let app = TestApp::start().await;
    let (agent, call_id) = (agent(&app).await, call());
    let proof = session(&app.session("ada").await);
    let answer = issue(&app, &agent, &call_id, proof).await.unwrap();
    let expected = Caller::Delegate {
        user_id: "ada".parse().unwrap(),
        tier: Tier::Pro,
        call_id: call_id.parse().unwrap(),
        client_id: "agent-svc".parse().unwrap(),
    };
    assert_eq!(app.caller(&answer.delegated_token).await, expected);
    assert_eq!(answer.user_id, "ada");
    let end = field::time(answer.expire_time.unwrap()).unwrap();
    assert_eq!(end - app.now(), TimeDelta::minutes(5));
}

#[tokio::test]
async fn a_renewal_needs_no_session_and_keeps_what_was_recorded() {
    let app = TestApp::start().await;
    let (first, call_id) = (agent(&app).await, call());
    let proof = session(&app.session("ada").await);
    let issued = issue(&app, &first, &call_id, proof).await.unwrap();
    app.profiles
        .answer_with(Answer::Tier(SubscriptionTier::Free));
    app.clock.advance(TimeDelta::hours(3));
    let renewed = issue(&app, &agent(&app).await, &call_id, RENEWAL)
        .await
        .unwrap();
    assert_ne!(renewed.delegated_token, issued.delegated_token);
    let caller = app.caller(&renewed.delegated_token).await;
    assert_eq!(caller.user_id().unwrap().as_str(), "ada");
    assert_eq!(caller.tier(), Some(Tier::Pro));
}

#[tokio::test]
async fn the_same_user_may_prove_the_same_call_again() {
    let app = TestApp::start().await;
    let (agent, call_id) = (agent(&app).await, call());
    let token = app.session("ada").await;
    let all = join_all((0..10).map(|_| issue(&app, &agent, &call_id, session(&token)))).await;
    for one in all {
        assert_eq!(one.unwrap().user_id, "ada");
    }
}

#[tokio::test]
async fn a_call_belongs_to_the_first_user_even_when_two_come_at_once() {
    let app = TestApp::start().await;
    let agent = agent(&app).await;
    let (ada, eve) = (app.session("ada").await, app.session("eve").await);
    for _ in 0..5 {
        let call_id = call();
        let (one, other) = tokio::join!(
            issue(&app, &agent, &call_id, session(&ada)),
            issue(&app, &agent, &call_id, session(&eve)),
        );
        let (won, lost) = if one.is_ok() {
            (one, other)
        } else {
            (other, one)
        };
        let status = lost.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition);
        let renewed = issue(&app, &agent, &call_id, RENEWAL).await.unwrap();
        assert_eq!(renewed.user_id, won.unwrap().user_id);
    }
    let call_id = call();
    issue(&app, &agent, &call_id, session(&ada)).await.unwrap();
    insta::assert_snapshot!(refusal(&app, &agent, &call_id, session(&eve)).await, @"FailedPrecondition [CALL_BELONGS_TO_ANOTHER_USER] this call acts for another user");
}

#[tokio::test]
async fn the_database_itself_lets_nobody_change_a_delegation() {
    use diesel_async::SimpleAsyncConnection;
    let app = TestApp::start().await;
    let mut database = app.database().url("insta_auth").connect().await.unwrap();
    let change = "UPDATE insta_auth.delegations SET user_id = 'eve'";
    assert!(database.batch_execute(change).await.is_err());
}

#[tokio::test]
async fn a_call_stays_with_the_client_that_it_began_with() {
    let app = TestApp::start().await;
    let (agent, call_id) = (agent(&app).await, call());
    let other = app.service_token("other-agent", Scope::CallsServe).await;
    let ada = app.session("ada").await;
    issue(&app, &agent, &call_id, session(&ada)).await.unwrap();
    let said = [
        refusal(&app, &other, &call_id, RENEWAL).await,
        refusal(&app, &other, &call_id, session(&ada)).await,
        refusal(&app, &agent, &call(), RENEWAL).await,
    ];
    insta::assert_snapshot!(said.join("\n"), @r"
    NotFound [CALL_NOT_FOUND] no token was issued for this call before
    NotFound [CALL_NOT_FOUND] no token was issued for this call before
    NotFound [CALL_NOT_FOUND] no token was issued for this call before
    ");
}

#[tokio::test]
async fn only_a_live_session_of_ours_is_a_proof() {
    let app = TestApp::start().await;
    let old = app.session("ada").await;
    app.clock.advance(TimeDelta::minutes(16));
    let agent = agent(&app).await;
    let foreign = Identity::new(app.clock.clone());
    let call_id = call();
    let live = session(&app.session("ada").await);
    let delegated = issue(&app, &agent, &call_id, live)
        .await
        .unwrap()
        .delegated_token;
    let mut lines = Vec::new();
    for (name, token) in [
        ("empty", ""),
        ("junk", "junk"),
        ("expired", &old),
        ("foreign", &foreign.token(&Identity::user("ada"))),
        ("Firebase's", &app.id_token("ada")),
        ("a service's", &agent),
        ("a delegated one", &delegated),
    ] {
        let said = refusal(&app, &agent, &call(), session(token)).await;
        lines.push(format!("{name}: {said}"));
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    empty: Unauthenticated [SESSION_INVALID] the session token is not valid or has expired; sign in again
    junk: Unauthenticated [SESSION_INVALID] the session token is not valid or has expired; sign in again
    expired: Unauthenticated [SESSION_INVALID] the session token is not valid or has expired; sign in again
    foreign: Unauthenticated [SESSION_INVALID] the session token is not valid or has expired; sign in again
    Firebase's: Unauthenticated [SESSION_INVALID] the session token is not valid or has expired; sign in again
    a service's: Unauthenticated [SESSION_INVALID] the session token is not valid or has expired; sign in again
    a delegated one: Unauthenticated [SESSION_INVALID] the session token is not valid or has expired; sign in again
    ");
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_at_once() {
    let app = TestApp::start().await;
    let agent = agent(&app).await;
    let said = [
        refusal(&app, &agent, "", None).await,
        refusal(&app, &agent, "call-1", participant("", "a b")).await,
        refusal(
            &app,
            &agent,
            &call(),
            participant("room\n", &"u".repeat(129)),
        )
        .await,
    ];
    insta::assert_snapshot!(said.join("\n"), @r"
    InvalidArgument [call_id, proof] call_id must be a UUID, for example 018f4e9c-7e5b-7c3a-9d27-5d0c1a2b3c4d; proof must be one of session_token, renewal and livekit_participant
    InvalidArgument [call_id, livekit_participant.room, livekit_participant.identity] call_id must be a UUID, for example 018f4e9c-7e5b-7c3a-9d27-5d0c1a2b3c4d; livekit_participant.room must have 1 to 128 characters, none of them a control character; livekit_participant.identity must be 1 to 128 printable ASCII characters without spaces
    InvalidArgument [livekit_participant.room, livekit_participant.identity] livekit_participant.room must have 1 to 128 characters, none of them a control character; livekit_participant.identity must be 1 to 128 printable ASCII characters without spaces
    ");
}

fn person(identity: &str, kind: Kind, state: State) -> ParticipantInfo {
    ParticipantInfo {
        identity: identity.into(),
        kind: kind.into(),
        state: state.into(),
        ..ParticipantInfo::default()
    }
}

#[tokio::test]
async fn a_person_in_a_room_is_a_proof() {
    let app = TestApp::start().await;
    let (agent, call_id) = (agent(&app).await, call());
    app.livekit
        .add("room-1", person("ada", Kind::Standard, State::Active));
    let proof = participant("room-1", "ada");
    let answer = issue(&app, &agent, &call_id, proof).await.unwrap();
    let caller = app.caller(&answer.delegated_token).await;
    assert_eq!(caller.user_id().unwrap().as_str(), "ada");
    assert_eq!(caller.tier(), Some(Tier::Pro), "as the profile has it");
    issue(&app, &agent, &call_id, RENEWAL).await.unwrap();
}

#[tokio::test]
async fn only_an_ordinary_person_who_is_there_is_a_proof() {
    let app = TestApp::start().await;
    let agent = agent(&app).await;
    for kind in [
        Kind::Agent,
        Kind::Sip,
        Kind::Egress,
        Kind::Ingress,
        Kind::Connector,
    ] {
        app.livekit
            .add("room-1", person(kind.as_str_name(), kind, State::Active));
    }
    app.livekit.add(
        "room-1",
        person("gone", Kind::Standard, State::Disconnected),
    );
    app.livekit
        .add("room-2", person("eve", Kind::Standard, State::Active));
    let mut lines = Vec::new();
    for identity in [
        "AGENT",
        "SIP",
        "EGRESS",
        "INGRESS",
        "CONNECTOR",
        "gone",
        "eve",
        "nobody",
    ] {
        let said = refusal(&app, &agent, &call(), participant("room-1", identity)).await;
        lines.push(format!("{identity}: {said}"));
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    AGENT: NotFound [PARTICIPANT_NOT_FOUND] there is no such person in the room
    SIP: NotFound [PARTICIPANT_NOT_FOUND] there is no such person in the room
    EGRESS: NotFound [PARTICIPANT_NOT_FOUND] there is no such person in the room
    INGRESS: NotFound [PARTICIPANT_NOT_FOUND] there is no such person in the room
    CONNECTOR: NotFound [PARTICIPANT_NOT_FOUND] there is no such person in the room
    gone: NotFound [PARTICIPANT_NOT_FOUND] there is no such person in the room
    eve: NotFound [PARTICIPANT_NOT_FOUND] there is no such person in the room
    nobody: NotFound [PARTICIPANT_NOT_FOUND] there is no such person in the room
    ");
    assert!(
        app.profiles.seen().is_empty(),
        "no profile is made for who is not there"
    );
}

#[tokio::test]
async fn a_livekit_that_is_not_there_or_refuses_us_is_told_apart() {
    let nowhere = |config: &mut Config| {
        config.livekit.livekit_url = "ws://127.0.0.1:1".parse().unwrap();
    };
    let away = TestApp::start_with(nowhere).await;
    let another = |config: &mut Config| config.livekit.livekit_api_secret = "x".repeat(32).into();
    let refusing = TestApp::start_with(another).await;
    let mut said = Vec::new();
    for app in [away, refusing] {
        let agent = agent(&app).await;
        said.push(refusal(&app, &agent, &call(), participant("room-1", "ada")).await);
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    Unavailable [LIVEKIT_UNAVAILABLE] LiveKit cannot be reached at the moment
    Internal [-] the service failed; report the x-request-id of this answer
    ");
}

#[tokio::test]
async fn a_database_that_is_gone_is_told_as_away() {
    let mut app = TestApp::start().await;
    let (agent, ada) = (agent(&app).await, app.session("ada").await);
    app.lose_database();
    insta::assert_snapshot!(refusal(&app, &agent, &call(), session(&ada)).await, @"Unavailable [DATABASE_UNAVAILABLE] the database cannot be reached at the moment");
}
