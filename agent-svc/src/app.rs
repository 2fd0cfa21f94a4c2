//! What the service is made of, built once.

use std::iter;
use std::sync::Arc;
use std::time::Duration;

use livekit_rtc::{Connector, Shard, ShardConfig};
use openai_realtime::client::Options;
use openai_realtime::{SemanticVad, ServerVad};
use secrecy::SecretString;
use service_kit::client::{ServiceTokens, channel};
use service_kit::clock::Clock;
use speech::Models;
use tokio::sync::Notify;

use crate::calls::Calls;
use crate::cascade::Cascade;
use crate::config::{CallsConfig, Config, FallbackConfig, LivekitConfig, OpenaiConfig};
use crate::domain::{Settings, TurnDetection};
use crate::judge::Judge;
use crate::media::VadSource;
use crate::peers::{Auth, Delegation, Peers};
use crate::prompt::Prompts;
use crate::provider::{Prices, Provider, Trouble};
use crate::realtime::{Breaker, RealtimeApi, Unavailable};
use crate::rooms::Rooms;
use crate::summary::Summariser;
use crate::tts::{ReadAloud, SecondVoice, Speaker, SpeechApi, Voice};

/// Longer than the conversation waits for the provider.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// The same where something else can go on: a caller is not to wait for long while it could.
const FALLBACK_AFTER: Duration = Duration::from_secs(5);
/// How long one attempt to connect may take: two lost packets, and the handshakes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The service.
pub(crate) struct App {
    /// Connections with the role `insta_agent`.
    pub(crate) db: db::Pool,
    /// Dates every write.
    pub(crate) clock: Clock,
    /// Tokens.
    pub(crate) auth: Auth,
    /// Profiles and articles.
    pub(crate) peers: Peers,
    /// What is done to rooms from outside.
    pub(crate) rooms: Rooms,
    /// Ways into a room, taken in turn: one a media thread.
    pub(crate) connectors: Vec<Arc<dyn Connector>>,
    /// Voice activity detection.
    pub(crate) vad: VadSource,
    /// What callers' sound tells beyond that.
    pub(crate) judge: Judge,
    /// The dedicated voice, and recordings in its place.
    pub(crate) speaker: Speaker,
    /// Who holds conversations: the first, then each when those before it have failed.
    pub(crate) providers: Vec<Arc<dyn Provider>>,
    /// What all calls know of the Realtime provider.
    pub(crate) breaker: Breaker,
    /// Makes summaries.
    pub(crate) summariser: Summariser,
    /// How conversations go.
    pub(crate) conversation: Settings,
    /// How long sound takes to a caller's ear, if that is not to be measured.
    pub(crate) playout_delay: Option<Duration>,
    /// What the model is told.
    pub(crate) prompts: Prompts,
    /// Where the rooms are.
    pub(crate) livekit: LivekitConfig,
    /// The calls of this instance.
    pub(crate) calls: Calls,
    /// Told when a call has ended and its summary is due.
    pub(crate) ended: Arc<Notify>,
    /// Names this instance in call rows.
    pub(crate) instance: String,
}

impl App {
    /// Builds it from its settings. Nothing is connected yet but the models are loaded.
    pub(crate) fn build(config: &Config, clock: Clock) -> anyhow::Result<Self> {
        let auth_channel = channel(&config.auth.auth_url)?;
        let tokens = ServiceTokens::new(auth_channel.clone(), config.client.clone(), clock.clone());
        let auth = Auth::new(auth_channel, tokens);
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .build()?;
        let models = Models::open(&config.calls.models_dir, 1)?;
        let fallback = fallback(config, &http);
        let voice = dedicated_voice(&config.openai, &http);
        let mut realtime = realtime_api(&config.openai, &config.calls);
        if fallback.is_some() {
            realtime.has_fallback = true;
            realtime.reconnect_timeout = FALLBACK_AFTER;
        }
        Ok(Self {
            db: db::Pool::new(&config.database),
            peers: Peers::new(
                channel(&config.profile_url)?,
                channel(&config.knowledge_url)?,
            ),
            rooms: Rooms::new(http.clone(), auth.clone(), &config.livekit.livekit_url)?,
            connectors: connectors(config)?,
            judge: Judge::load(&models)?,
            vad: VadSource::new(models)?,
            speaker: Speaker::new(match &fallback {
                Some((_, second)) => Arc::new(SecondVoice::new(voice, second.clone())),
                None => voice,
            })?,
            breaker: realtime.breaker.clone(),
            providers: iter::once::<Arc<dyn Provider>>(Arc::new(realtime))
                .chain(fallback.map(|(cascade, _)| cascade))
                .collect(),
            summariser: Summariser::new(http, &config.openai),
            conversation: config.calls.conversation(),
            playout_delay: config.calls.playout_delay_ms.map(Duration::from_millis),
            prompts: config.calls.prompts()?,
            livekit: config.livekit.clone(),
            calls: Calls::new(config.calls.max_calls),
            ended: Arc::default(),
            instance: config.server.listen_addr.to_string(),
            auth,
            clock,
        })
    }

    /// Asks whether a call that begins now could be held at all.
    pub(crate) fn admit(&self) -> Result<(), Unavailable> {
        if self.has_fallback() {
            return Ok(());
        }
        self.breaker.admit()
    }

    fn has_fallback(&self) -> bool {
        self.providers.len() > 1
    }

    /// What an operator should know although the instance does its work.
    pub(crate) fn provider_note(&self) -> Option<String> {
        let failure = self.breaker.failure()?;
        let trouble = Trouble::Failed(failure);
        let (reason, message) = (trouble.reason(), trouble.message());
        let become_of_them = if self.has_fallback() {
            "go to the fallback"
        } else {
            "are refused"
        };
        Some(format!("new calls {become_of_them}: {reason}: {message}"))
    }

    /// The way into a room with the fewest calls on it, as far as turns tell.
    pub(crate) fn connector(&self, call: service_kit::CallId) -> Arc<dyn Connector> {
        let turn = call.0.as_u128() as usize % self.connectors.len();
        self.connectors[turn].clone()
    }

    /// The right to act in a call for which it was obtained before.
    pub(crate) fn delegation(&self, call: service_kit::CallId) -> Delegation {
        Delegation::renewable(self.auth.clone(), self.clock.clone(), call)
    }
}

fn connectors(config: &Config) -> anyhow::Result<Vec<Arc<dyn Connector>>> {
    let shard = |number| {
        let shard = Shard::spawn(ShardConfig {
            name: format!("media-{number}"),
            max_participants: config.calls.max_calls as usize,
            media_address: config.livekit.media_address,
        })?;
        Ok(Arc::new(shard) as Arc<dyn Connector>)
    };
    (0..config.calls.media_shards).map(shard).collect()
}

/// What calls go on with, if it is configured, and its voice.
fn fallback(
    config: &Config,
    http: &reqwest::Client,
) -> Option<(Arc<dyn Provider>, Arc<dyn Voice>)> {
    let FallbackConfig {
        fallback_base_url: Some(base_url),
        fallback_api_key: Some(key),
        fallback_chat_model: chat_model,
        fallback_transcription_model: transcription_model,
        fallback_tts_model: tts_model,
        fallback_tts_voice: tts_voice,
    } = &config.fallback
    else {
        return None;
    };
    let voice_name = tts_voice.as_ref().unwrap_or(&config.openai.realtime_voice);
    let voice = voice(http, (base_url, key), (tts_model, voice_name));
    let models = (chat_model.clone(), transcription_model.clone());
    let cascade = Cascade::new(http.clone(), base_url, key, models, voice.clone());
    Some((Arc::new(cascade), voice))
}

fn realtime_api(openai: &OpenaiConfig, calls: &CallsConfig) -> RealtimeApi {
    RealtimeApi {
        client: realtime(
            &openai.openai_base_url,
            &openai.openai_api_key,
            &openai.realtime_model,
        ),
        voice: openai.realtime_voice.clone(),
        transcription_model: openai.transcription_model.clone(),
        turn_detection: turn_detection(calls.turn_detection),
        reconnect_timeout: RECONNECT_TIMEOUT,
        max_session_duration: Duration::from_secs(openai.max_session_duration_secs),
        prices: openai
            .realtime_prices
            .or_else(|| Prices::listed(&openai.openai_base_url, &openai.realtime_model)),
        breaker: Breaker::default(),
        has_fallback: false,
    }
}

/// What the provider is asked for. It only tells of turns: the conversation alone asks for responses
/// and stops them.
fn turn_detection(wanted: TurnDetection) -> Option<openai_realtime::TurnDetection> {
    let never = Some(false);
    match wanted {
        TurnDetection::Local | TurnDetection::Manual => None,
        TurnDetection::ServerVad => Some(openai_realtime::TurnDetection::ServerVad(ServerVad {
            create_response: never,
            interrupt_response: never,
            ..ServerVad::default()
        })),
        TurnDetection::SemanticVad => {
            let vad = SemanticVad {
                create_response: never,
                interrupt_response: never,
                ..SemanticVad::default()
            };
            Some(openai_realtime::TurnDetection::SemanticVad(vad))
        }
    }
}

/// Speaks what the model does not say itself.
fn dedicated_voice(openai: &OpenaiConfig, http: &reqwest::Client) -> Arc<dyn Voice> {
    let base_url = openai
        .tts_base_url
        .as_ref()
        .unwrap_or(&openai.openai_base_url);
    let voice_name = openai.tts_voice.as_ref().unwrap_or(&openai.realtime_voice);
    let place = (base_url.as_str(), &openai.openai_api_key);
    voice(http, place, (&openai.tts_model, voice_name))
}

/// A voice below a base URL, of the kind that the name of its model asks for.
fn voice(
    http: &reqwest::Client,
    (base_url, key): (&str, &SecretString),
    (model, voice): (&str, &str),
) -> Arc<dyn Voice> {
    if model.starts_with("gpt-realtime") {
        Arc::new(ReadAloud::new(
            realtime(base_url, key, model),
            voice.to_owned(),
        ))
    } else {
        Arc::new(SpeechApi::new(
            http.clone(),
            base_url,
            key.clone(),
            model.to_owned(),
            voice.to_owned(),
        ))
    }
}

fn realtime(base_url: &str, key: &SecretString, model: &str) -> Options {
    Options {
        model: Some(model.to_owned()),
        connect_timeout: CONNECT_TIMEOUT,
        ..Options::new(base_url, key.clone())
    }
}
