//! Demo data, written through the services' own contracts as an integrating system would write it.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use proto::insta::knowledge::v1::knowledge_service_client::KnowledgeServiceClient;
use proto::insta::knowledge::v1::{
    ContentType, CreateDocumentRequest, Document, EmbeddingState, ListDocumentsRequest,
    UpdateDocumentRequest,
};
use proto::insta::profile::v1::profile_service_client::ProfileServiceClient;
use proto::insta::profile::v1::{
    AccountFact, Profile, SetAccountFactsRequest, SubscriptionTier, UpdateProfileRequest,
};
use sha2::{Digest, Sha256};
use tonic::transport::Channel;
use tonic::{Code, Request};

use super::token::{Login, client_secret, connect, service_token};
use crate::demo::{self, Article, User};
use crate::endpoints::Service;
use crate::parts::Context;
use crate::project::Project;
use crate::secrets::Secret;
use crate::setup::hex;
use crate::state::State;

const CLIENT: &str = "integration";
/// A fresh database has some fifty articles to embed.
const EMBEDDING_LIMIT: Duration = Duration::from_secs(120);
const EMBEDDING_POLL: Duration = Duration::from_millis(200);

/// Writes the demo data, unless this database already got this very data: what people have changed since
/// then stays changed. Tells whether it has written.
pub async fn seed(context: &Context<'_>) -> anyhow::Result<bool> {
    let users = demo::users(context.project)?;
    let articles = demo::articles(context.project)?;
    let stamp_file = context.project.dev_dir().join("seeded");
    let stamp = stamp(context, &users, &articles);
    if fs::read_to_string(&stamp_file).is_ok_and(|kept| kept == stamp) {
        return Ok(false);
    }
    let auth = context.endpoints.grpc_url(Service::Auth);
    let token = service_token(&auth, CLIENT, context.secrets.get(Secret::Client(CLIENT))).await?;
    seed_profiles(context, &token, &users).await?;
    seed_articles(context, &token, &articles).await?;
    fs::write(&stamp_file, stamp).with_context(|| stamp_file.display().to_string())?;
    Ok(true)
}

fn stamp(context: &Context, users: &[User], articles: &[Article]) -> String {
    let data = format!(
        "{}{users:?}{articles:?}",
        context.endpoints.database.owner_url()
    );
    hex(&Sha256::digest(data))
}

/// The users of a real Firebase project are none of ours to make.
async fn seed_profiles(context: &Context<'_>, token: &str, users: &[User]) -> anyhow::Result<()> {
    let Some(emulator_host) = &context.endpoints.firebase.emulator_host else {
        return Ok(());
    };
    let login = Login {
        emulator_host,
        api_key: &context.endpoints.firebase.api_key,
        auth_url: &context.endpoints.grpc_url(Service::Auth),
    };
    let channel = connect(&context.endpoints.grpc_url(Service::Profile)).await?;
    for user in users {
        // The first sign-in makes the profile.
        let name = || format!("demo user {}", user.user_id);
        login
            .session_token(&user.email, &user.password)
            .await
            .with_context(name)?;
        seed_profile(&channel, token, user)
            .await
            .with_context(name)?;
    }
    Ok(())
}

async fn seed_profile(channel: &Channel, token: &str, user: &User) -> anyhow::Result<()> {
    let mut profiles = ProfileServiceClient::new(channel.clone());
    let update = UpdateProfileRequest {
        profile: Some(Profile {
            user_id: user.user_id.clone(),
            subscription_tier: tier(&user.subscription_tier)?.into(),
            ..Profile::default()
        }),
        update_mask: Some(mask(&["subscription_tier"])),
    };
    profiles
        .update_profile(with_token(update, token)?)
        .await
        .context("UpdateProfile")?;
    let fact = |fact: &demo::Fact| AccountFact {
        key: fact.key.clone(),
        label: fact.label.clone(),
        value: fact.value.clone(),
        as_of_time: None,
    };
    let facts = SetAccountFactsRequest {
        user_id: user.user_id.clone(),
        facts: user.facts.iter().map(fact).collect(),
    };
    profiles
        .set_account_facts(with_token(facts, token)?)
        .await
        .context("SetAccountFacts")?;
    Ok(())
}

/// Waits until every article can be found by its meaning.
pub async fn articles_embedded(project: &Project, state: &State) -> anyhow::Result<()> {
    let token = service_token(
        &state.services["auth"].grpc,
        CLIENT,
        &client_secret(project, CLIENT)?,
    )
    .await?;
    let mut articles =
        KnowledgeServiceClient::new(connect(&state.services["knowledge"].grpc).await?);
    let deadline = tokio::time::Instant::now() + EMBEDDING_LIMIT;
    loop {
        let request = ListDocumentsRequest {
            page_size: 100,
            ..ListDocumentsRequest::default()
        };
        let listed = articles
            .list_documents(with_token(request, &token)?)
            .await?;
        let is_ready = |article: &Document| article.embedding_state() == EmbeddingState::Ready;
        if listed.into_inner().documents.iter().all(is_ready) {
            return Ok(());
        }
        ensure!(
            tokio::time::Instant::now() < deadline,
            "articles have no embeddings after {EMBEDDING_LIMIT:?}; see .dev/logs/knowledge-svc.log"
        );
        tokio::time::sleep(EMBEDDING_POLL).await;
    }
}

async fn seed_articles(
    context: &Context<'_>,
    token: &str,
    articles: &[Article],
) -> anyhow::Result<()> {
    let channel = connect(&context.endpoints.grpc_url(Service::Knowledge)).await?;
    for article in articles {
        seed_article(&channel, token, article)
            .await
            .with_context(|| format!("demo article {}", article.document_id))?;
    }
    Ok(())
}

async fn seed_article(channel: &Channel, token: &str, article: &Article) -> anyhow::Result<()> {
    let mut knowledge = KnowledgeServiceClient::new(channel.clone());
    let document = Document {
        document_id: article.document_id.clone(),
        collection: article.collection.clone(),
        title: article.title.clone(),
        content: article.content.clone(),
        content_type: ContentType::Markdown.into(),
        language: article.language.clone(),
        labels: article.labels.clone(),
        ..Document::default()
    };
    let create = CreateDocumentRequest {
        document: Some(document.clone()),
    };
    match knowledge.create_document(with_token(create, token)?).await {
        Ok(_) => return Ok(()),
        Err(status) if status.code() == Code::AlreadyExists => {}
        Err(status) => return Err(status).context("CreateDocument"),
    }
    let update = UpdateDocumentRequest {
        document: Some(document),
        update_mask: Some(mask(&[
            "title",
            "content",
            "collection",
            "language",
            "labels",
        ])),
    };
    knowledge
        .update_document(with_token(update, token)?)
        .await
        .context("UpdateDocument")?;
    Ok(())
}

fn tier(name: &str) -> anyhow::Result<SubscriptionTier> {
    let name = format!("SUBSCRIPTION_TIER_{}", name.to_uppercase());
    SubscriptionTier::from_str_name(&name).with_context(|| format!("{name} is no tier"))
}

fn mask(paths: &[&str]) -> prost_types::FieldMask {
    prost_types::FieldMask {
        paths: paths.iter().map(ToString::to_string).collect(),
    }
}

fn with_token<T>(message: T, token: &str) -> anyhow::Result<Request<T>> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("authorization", format!("Bearer {token}").parse()?);
    Ok(request)
}
