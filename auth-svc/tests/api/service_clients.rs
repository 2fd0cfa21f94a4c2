//! Service clients: how they are registered, and how they get their tokens.

use auth_svc::{bootstrap, cli::BootstrapClient};
use chrono::TimeDelta;
use diesel_async::SimpleAsyncConnection;
use futures::future::join_all;
use proto::insta::auth::v1::{
    CreateServiceClientRequest, CreateServiceClientResponse, IssueServiceTokenRequest,
};
use service_kit::{Caller, Scope, field};
use test_kit::told;
use tonic::Status;

use crate::app::{TestApp, with_token};

const SECRET: &str = "a secret of 32 characters or more";

async fn create(
    app: &TestApp,
    id: &str,
    scopes: &[&str],
) -> Result<CreateServiceClientResponse, Status> {
    app.make_operator("root").await;
    let request = CreateServiceClientRequest {
        client_id: id.into(),
        scopes: scopes.iter().map(ToString::to_string).collect(),
    };
    let request = with_token(&app.session("root").await, request);
    Ok(app
        .client()
        .create_service_client(request)
        .await?
        .into_inner())
}

/// Who the token is for that this id and secret get, or what is said instead.
async fn issue(app: &TestApp, id: &str, secret: &str, scopes: &[&str]) -> String {
    let request = IssueServiceTokenRequest {
        client_id: id.into(),
        client_secret: secret.into(),
        scopes: scopes.iter().map(ToString::to_string).collect(),
    };
    match app.client().issue_service_token(request).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            let end = field::time(answer.expire_time.unwrap()).unwrap();
            assert_eq!(end - app.now(), TimeDelta::minutes(5));
            match app.caller(&answer.service_token).await {
                Caller::Service { client_id, scopes } => {
                    let scopes: Vec<_> = scopes.iter().map(ToString::to_string).collect();
                    format!("{client_id} may {}", scopes.join(", "))
                }
                other => panic!("not a service token: {other:?}"),
            }
        }
        Err(status) => told(&status),
    }
}

#[tokio::test]
async fn a_client_that_an_operator_has_registered_gets_tokens() {
    let app = TestApp::start().await;
    let scopes = ["profile.write", "profile.read", "profile.read"];
    let client = create(&app, "crm", &scopes).await.unwrap();
    assert_eq!(client.client_id, "crm");
    assert_eq!(client.scopes, ["profile.read", "profile.write"]);
    assert_eq!(client.client_secret.len(), 43, "32 bytes in base64url");
    let secret = client.client_secret;

    let said = [
        issue(&app, "crm", &secret, &[]).await,
        issue(&app, "crm", &secret, &["profile.read"]).await,
        issue(&app, "crm", &secret, &["profile.read", "operator"]).await,
    ];
    insta::assert_snapshot!(said.join("\n"), @r"
    crm may profile.read, profile.write
    crm may profile.read
    PermissionDenied [SCOPE_NOT_GRANTED] the client may not do operator
    ");
}

#[tokio::test]
async fn an_operators_service_may_register_clients_too() {
    let app = TestApp::start().await;
    let token = app.service_token("operator", Scope::Operator).await;
    let request = CreateServiceClientRequest {
        client_id: "crm".into(),
        scopes: vec!["profile.read".into()],
    };
    app.client()
        .create_service_client(with_token(&token, request))
        .await
        .unwrap();
}

#[tokio::test]
async fn an_id_is_registered_once_however_many_ask_at_once() {
    let app = TestApp::start().await;
    let all = join_all((0..5).map(|_| create(&app, "crm", &["profile.read"]))).await;
    let (won, lost): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 4));
    let status = lost.into_iter().next().unwrap().unwrap_err();
    insta::assert_snapshot!(told(&status), @"AlreadyExists [CLIENT_EXISTS] a client with this id is registered already");
}

#[tokio::test]
async fn what_is_wrong_with_a_registration_is_told_at_once() {
    let app = TestApp::start().await;
    let mut said = Vec::new();
    for (id, scopes) in [
        ("", &[] as &[&str]),
        ("CRM", &["profile.read", "all", ""]),
        ("crm", &["operator"; 8]),
    ] {
        let status = create(&app, id, scopes).await.unwrap_err();
        said.push(told(&status));
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    InvalidArgument [client_id, scopes] client_id must be 3 to 40 lower-case letters, digits or dashes, beginning with a letter; scopes must hold at least one scope
    InvalidArgument [client_id, scopes[1], scopes[2]] client_id must be 3 to 40 lower-case letters, digits or dashes, beginning with a letter; scopes[1] must be one of profile.ensure, profile.read, profile.write, knowledge.read, knowledge.write, calls.serve, operator; scopes[2] must be one of profile.ensure, profile.read, profile.write, knowledge.read, knowledge.write, calls.serve, operator
    InvalidArgument [scopes] scopes must hold at most 7 scopes, has 8
    ");
}

#[tokio::test]
async fn a_wrong_secret_an_unknown_id_and_a_disabled_client_look_the_same() {
    let app = TestApp::start().await;
    app.register("crm", SECRET, &[Scope::ProfileRead]).await;
    app.register("erp", SECRET, &[Scope::ProfileRead]).await;
    assert_eq!(
        issue(&app, "erp", SECRET, &[]).await,
        "erp may profile.read"
    );
    let mut database = app.database().url("insta_auth").connect().await.unwrap();
    let disable =
        "UPDATE insta_auth.service_clients SET disable_time = now() WHERE client_id = 'erp'";
    database.batch_execute(disable).await.unwrap();

    let long = "x".repeat(10_000);
    let same = [
        issue(&app, "crm", "wrong", &[]).await,
        issue(&app, "crm", "", &[]).await,
        issue(&app, "crm", &long, &[]).await,
        issue(&app, "nobody", SECRET, &[]).await,
        issue(&app, "erp", SECRET, &[]).await,
        // A secret that was right before does not help a wrong one.
        issue(&app, "crm", SECRET, &[])
            .await
            .replace("crm may profile.read", "-"),
        issue(&app, "crm", &SECRET[1..], &[]).await,
    ];
    insta::assert_snapshot!(same.join("\n"), @r"
    Unauthenticated [CLIENT_CREDENTIALS_INVALID] there is no active client with this id and secret
    Unauthenticated [CLIENT_CREDENTIALS_INVALID] there is no active client with this id and secret
    Unauthenticated [CLIENT_CREDENTIALS_INVALID] there is no active client with this id and secret
    Unauthenticated [CLIENT_CREDENTIALS_INVALID] there is no active client with this id and secret
    Unauthenticated [CLIENT_CREDENTIALS_INVALID] there is no active client with this id and secret
    -
    Unauthenticated [CLIENT_CREDENTIALS_INVALID] there is no active client with this id and secret
    ");
    insta::assert_snapshot!(issue(&app, "no such id!", SECRET, &["nothing"]).await, @"InvalidArgument [client_id, scopes[0]] client_id must be 3 to 40 lower-case letters, digits or dashes, beginning with a letter; scopes[0] must be one of profile.ensure, profile.read, profile.write, knowledge.read, knowledge.write, calls.serve, operator");
}

#[tokio::test]
async fn bootstrapping_a_client_again_changes_nothing_but_what_is_new() {
    let app = TestApp::start().await;
    let hash = async || {
        let options = app.database_config();
        let pool = db::Pool::new(&options);
        let mut connection = pool.get().await.unwrap();
        let sql = "SELECT secret_hash AS text FROM insta_auth.service_clients";
        use diesel_async::RunQueryDsl;
        let row: Text = diesel::sql_query(sql)
            .get_result(&mut connection)
            .await
            .unwrap();
        row.text
    };
    app.register("crm", SECRET, &[Scope::ProfileRead]).await;
    let first = hash().await;
    app.register("crm", SECRET, &[Scope::ProfileRead]).await;
    assert_eq!(hash().await, first, "the same secret is not hashed again");

    app.register("crm", SECRET, &[Scope::ProfileRead, Scope::KnowledgeWrite])
        .await;
    assert_eq!(
        issue(&app, "crm", SECRET, &[]).await,
        "crm may profile.read, knowledge.write"
    );
    let other = "another secret, of 32 characters or more";
    app.register("crm", other, &[Scope::ProfileRead]).await;
    assert_eq!(issue(&app, "crm", other, &[]).await, "crm may profile.read");
    assert!(
        issue(&app, "crm", SECRET, &[])
            .await
            .contains("CLIENT_CREDENTIALS_INVALID")
    );

    let short = BootstrapClient {
        database: app.database_config(),
        id: "crm".parse().unwrap(),
        scopes: vec![Scope::Operator],
        client_secret: "canary".into(),
    };
    let error = bootstrap::client(short).await.unwrap_err().to_string();
    insta::assert_snapshot!(error, @"CLIENT_SECRET must have at least 32 characters, has 6");
}

#[derive(diesel::QueryableByName)]
struct Text {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

#[tokio::test]
async fn a_database_that_is_gone_is_told_as_away() {
    let mut app = TestApp::start().await;
    app.register("crm", SECRET, &[Scope::ProfileRead]).await;
    issue(&app, "crm", SECRET, &[]).await;
    app.lose_database();
    insta::assert_snapshot!(issue(&app, "crm", SECRET, &[]).await, @"Unavailable [DATABASE_UNAVAILABLE] the database cannot be reached at the moment");
}
