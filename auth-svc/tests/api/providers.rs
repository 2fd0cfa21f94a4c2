//! Two versions of one JWT library live in this process, each with a cryptography of its own that the first use
//! installs for good: LiveKit's, which knows HMAC only, and ours. Neither may disturb the other, in either order.

use std::process::Command;

use proto::insta::auth::v1::{
    IssueLivekitTokenRequest,
    issue_livekit_token_request::{Grant, WorkerGrant},
};
use service_kit::Scope;

use crate::app::{TestApp, with_token};

const ORDER: &str = "AUTH_SVC_TEST_ORDER";
const THIS: &str = "providers::livekits_tokens_and_googles_do_not_disturb_each_other";

#[tokio::test]
async fn livekits_tokens_and_googles_do_not_disturb_each_other() {
    if let Ok(order) = std::env::var(ORDER) {
        return sign_and_verify(order == "livekit").await;
    }
    // A process of its own for each order, since the first use decides.
    for order in ["livekit", "google"] {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", THIS])
            .env(ORDER, order)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(
            child.status.success() && said.contains("1 passed"),
            "{order} first: {said}"
        );
    }
}

async fn sign_and_verify(livekit_first: bool) {
    let app = TestApp::start().await;
    if livekit_first {
        sign_for_livekit(&app).await;
    }
    for _ in 0..2 {
        app.session("ada").await;
        sign_for_livekit(&app).await;
    }
}

async fn sign_for_livekit(app: &TestApp) {
    let token = app.service_token("agent-svc", Scope::CallsServe).await;
    let grant = Some(Grant::Worker(WorkerGrant {}));
    let request = with_token(&token, IssueLivekitTokenRequest { grant });
    app.client().issue_livekit_token(request).await.unwrap();
}
