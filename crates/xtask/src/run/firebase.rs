//! The demo users' logins in the Firebase Auth emulator, and signing in there.

use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::demo::User;

const LIMIT: Duration = Duration::from_secs(10);

/// The emulator's REST interface.
#[derive(Debug)]
pub struct Emulator {
    base: String,
    http: reqwest::Client,
}

impl Emulator {
    pub fn at(host: &str) -> anyhow::Result<Self> {
        Ok(Self {
            base: format!("http://{host}/identitytoolkit.googleapis.com/v1"),
            http: reqwest::Client::builder()
                .no_proxy()
                .timeout(LIMIT)
                .build()?,
        })
    }

    /// Makes the logins that are not there yet; one that is there stays as it is.
    pub async fn ensure_users(&self, project: &str, users: &[User]) -> anyhow::Result<()> {
        for user in users {
            let account = json!({
                "localId": user.user_id,
                "email": user.email,
                "password": user.password,
                "displayName": user.name,
                "emailVerified": true,
            });
            let url = format!("{}/projects/{project}/accounts", self.base);
            // The emulator's own administrator.
            let request = self.http.post(url).bearer_auth("owner").json(&account);
            match self.ask(request).await? {
                Ok(_) => {}
                Err(reason) if matches!(reason.as_str(), "DUPLICATE_LOCAL_ID" | "EMAIL_EXISTS") => {
                }
                Err(reason) => bail!("{} cannot be made: {reason}", user.user_id),
            }
        }
        Ok(())
    }

    /// Signs in with a password and hands back the ID token.
    pub async fn sign_in(
        &self,
        api_key: &str,
        email: &str,
        password: &str,
    ) -> anyhow::Result<String> {
        let url = format!("{}/accounts:signInWithPassword?key={api_key}", self.base);
        let body = json!({"email": email, "password": password, "returnSecureToken": true});
        match self.ask(self.http.post(url).json(&body)).await? {
            Ok(answer) => Ok(answer["idToken"]
                .as_str()
                .context("the emulator answered without a token")?
                .to_owned()),
            Err(reason) => bail!("the emulator refuses the login: {reason}"),
        }
    }

    /// The answer, or the reason it was refused for.
    async fn ask(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Result<Value, String>> {
        let answer = request
            .send()
            .await
            .context("the Firebase emulator does not answer")?;
        let refused = !answer.status().is_success();
        let body: Value = answer
            .json()
            .await
            .context("the Firebase emulator answered no JSON")?;
        Ok(if refused {
            Err(body["error"]["message"]
                .as_str()
                .unwrap_or("unknown")
                .to_owned())
        } else {
            Ok(body)
        })
    }
}
