//! What tools ask: nobody, or a profile-svc that keeps one profile a token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use proto::insta::profile::v1 as pb;
use proto::insta::profile::v1::profile_service_server::{ProfileService, ProfileServiceServer};
use service_kit::client::{BearerToken, ServiceTokens, channel};
use service_kit::clock::Clock;
use service_kit::config::ClientConfig;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use super::super::{Context, Kept};
use crate::peers::{Auth, Delegation, Peers};

/// Services that are not there.
pub(super) fn nobody() -> Context {
    context("http://127.0.0.1:1", "nobodys")
}

fn context(profiles: &str, token: &str) -> Context {
    service_kit::install_crypto();
    let nowhere = channel(&"http://127.0.0.1:1".parse().unwrap()).unwrap();
    let profiles = channel(&profiles.parse().unwrap()).unwrap();
    let config = ClientConfig {
        client_id: "agent-svc".parse().unwrap(),
        client_secret: "secret".to_owned().into(),
    };
    let tokens = ServiceTokens::new(nowhere.clone(), config, Clock::system());
    let auth = Auth::new(nowhere.clone(), tokens);
    let call = service_kit::CallId::generate();
    let token = BearerToken::new(token).unwrap();
    Context {
        peers: Peers::new(profiles, nowhere),
        caller: Delegation::held(auth, Clock::system(), call, token),
        kept: Kept::default(),
        turn: 1,
    }
}

/// A profile-svc that knows users by their token alone.
#[derive(Clone, Default)]
pub(super) struct Profiles(Arc<Mutex<HashMap<String, pb::Profile>>>);

impl Profiles {
    /// Serves it; gives what tools act with in a call of the user with this token.
    pub(super) async fn context_of(&self, token: &str) -> Context {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = tonic::transport::Server::builder()
            .add_service(ProfileServiceServer::new(self.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(server);
        self.lock().entry(token.to_owned()).or_default();
        context(&address, token)
    }

    pub(super) fn name_of(&self, token: &str) -> String {
        self.lock()[token].name.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, pb::Profile>> {
        self.0.lock().unwrap()
    }
}

type Answer<T> = Result<Response<T>, Status>;

fn unscripted<T>() -> Answer<T> {
    Err(Status::unimplemented("not scripted"))
}

#[tonic::async_trait]
impl ProfileService for Profiles {
    async fn update_profile(
        &self,
        request: Request<pb::UpdateProfileRequest>,
    ) -> Answer<pb::UpdateProfileResponse> {
        let token = request.metadata().get("authorization");
        let token = token
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let token = token.trim_start_matches("Bearer ").to_owned();
        let request = request.into_inner();
        let paths = request.update_mask.unwrap_or_default().paths;
        let wanted = request.profile.unwrap_or_default();
        if paths != ["name"] || !wanted.user_id.is_empty() {
            return Err(Status::permission_denied(
                "a tool names no user and no other field",
            ));
        }
        let mut profiles = self.lock();
        let profile = profiles
            .get_mut(&token)
            .ok_or_else(|| Status::not_found("no such user"))?;
        profile.name = wanted.name;
        Ok(Response::new(pb::UpdateProfileResponse {
            profile: Some(profile.clone()),
        }))
    }

    async fn ensure_profile(
        &self,
        _: Request<pb::EnsureProfileRequest>,
    ) -> Answer<pb::EnsureProfileResponse> {
        unscripted()
    }

    async fn get_profile(
        &self,
        _: Request<pb::GetProfileRequest>,
    ) -> Answer<pb::GetProfileResponse> {
        unscripted()
    }

    async fn list_profiles(
        &self,
        _: Request<pb::ListProfilesRequest>,
    ) -> Answer<pb::ListProfilesResponse> {
        unscripted()
    }

    async fn set_account_facts(
        &self,
        _: Request<pb::SetAccountFactsRequest>,
    ) -> Answer<pb::SetAccountFactsResponse> {
        unscripted()
    }

    async fn list_account_facts(
        &self,
        _: Request<pb::ListAccountFactsRequest>,
    ) -> Answer<pb::ListAccountFactsResponse> {
        unscripted()
    }

    async fn delete_account_facts(
        &self,
        _: Request<pb::DeleteAccountFactsRequest>,
    ) -> Answer<pb::DeleteAccountFactsResponse> {
        unscripted()
    }

    async fn record_interaction(
        &self,
        _: Request<pb::RecordInteractionRequest>,
    ) -> Answer<pb::RecordInteractionResponse> {
        unscripted()
    }
}
