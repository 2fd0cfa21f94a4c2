//! The task that keeps a session: there is always one, or one on its way.

mod orders;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use openai_realtime::ServerEvent;
use openai_realtime::client::{Closed, Connection};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::RealtimeApi;
use super::dial::{Ended, Outage, make};
use super::live::Live;
use super::rate_limit::BackOff;
use super::translate::{Meaning, meaning, usage};
use crate::domain::{Outcome, Realtime};
use crate::provider::{
    Bill, Command, Desk, Event, Failure, History, Over, SharedSetup, Trouble, Usage,
};

/// A session is exchanged when nothing was said or asked for so long: a pause, not a breath.
const CALM: Duration = Duration::from_millis(500);
/// Nothing that is open for so long without a sign of life will ever be closed.
const STALE: Duration = Duration::from_secs(30);
/// After a failure to make the next session in time, when to try again, and how long an attempt may take.
const RECYCLE_RETRY: Duration = Duration::from_secs(10);
/// Texts of the dedicated voice that are waited for to be remembered.
const MAX_SAID_AWAY: usize = 16;

/// Keeps a session until nobody wants it any more or it cannot be had.
pub(super) async fn run(api: RealtimeApi, desk: Desk) -> Over {
    let mut keeper = Keeper::new(api, desk);
    loop {
        match keeper.take_turn().await {
            Ok(()) => {}
            Err(End::Unwanted) => return Over::Unwanted,
            Err(End::Failed(failure, cause)) => {
                let reason = Trouble::Failed(failure).reason();
                tracing::error!(reason, cause, "The Realtime session is given up");
                metrics::counter!("insta_agent_realtime_failures", "reason" => reason).increment(1);
                return Over::Failed(failure, keeper.into_desk());
            }
        }
    }
}

struct Keeper {
    provider: Arc<RealtimeApi>,
    setup: SharedSetup,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    history: History,
    live: Option<Live>,
    /// The next session, ready to take over.
    spare: Option<Live>,
    making: Option<BoxFuture<'static, Result<Connection, Ended>>>,
    /// The time without a session; the last one, while there is one.
    outage: Option<Outage>,
    /// When the next session is begun.
    recycle_at: Instant,
    /// Why the last attempt failed.
    last_failure: String,
    /// When something was last said, asked or answered.
    last_active: Instant,
    back_off: BackOff,
    /// What the dedicated voice said without a session, and is not remembered yet.
    said_away: Vec<String>,
}

/// The task is done.
#[derive(Debug)]
enum End {
    /// The call has ended.
    Unwanted,
    /// There will be no session.
    Failed(Failure, String),
}

impl Keeper {
    fn new(api: RealtimeApi, desk: Desk) -> Self {
        let now = Instant::now();
        let patience = api.reconnect_timeout;
        Self {
            provider: Arc::new(api),
            setup: desk.setup,
            commands: desk.commands,
            events: desk.events,
            history: desk.history,
            live: None,
            spare: None,
            making: None,
            outage: Some(Outage::first(patience)),
            recycle_at: now,
            last_failure: String::new(),
            last_active: now,
            back_off: BackOff::default(),
            said_away: Vec::new(),
        }
    }

    fn into_desk(self) -> Desk {
        Desk {
            commands: self.commands,
            events: self.events,
            history: self.history,
            setup: self.setup,
        }
    }

    /// Waits for whatever happens next, and deals with it. Commands come first: an interruption must
    /// not wait for a burst of sound.
    async fn take_turn(&mut self) -> Result<(), End> {
        self.begin_making()?;
        let due = self.due();
        tokio::select! {
            biased;
            () = self.events.closed() => Err(End::Unwanted),
            command = self.commands.recv() => match command {
                Some(command) => self.command(command).await,
                None => Err(End::Unwanted),
            },
            made = made(&mut self.making) => self.made(made).await,
            event = next_event(&mut self.live) => match event {
                Ok(event) => self.received(event).await,
                Err(closed) => self.lost(closed.into()).await,
            },
            event = next_event(&mut self.spare) => {
                self.spare_received(event);
                Ok(())
            }
            () = sleep_until(due) => self.do_due().await,
        }
    }

    /// Begins to make a session if one is missing, or the present one is old.
    fn begin_making(&mut self) -> Result<(), End> {
        if self.making.is_some() || self.spare.is_some() {
            return Ok(());
        }
        let (wait, deadline) = match (&self.live, &self.outage) {
            (None, Some(outage)) => match outage.wait() {
                Some(wait) => (wait, outage.deadline()),
                None => {
                    let cause = std::mem::take(&mut self.last_failure);
                    return Err(End::Failed(Failure::Unreachable, cause));
                }
            },
            _ if Instant::now() >= self.recycle_at => {
                (Duration::ZERO, Instant::now() + RECYCLE_RETRY)
            }
            _ => return Ok(()),
        };
        let making = make(self.provider.clone(), self.setup.clone(), wait, deadline);
        self.making = Some(Box::pin(making));
        Ok(())
    }

    async fn made(&mut self, made: Result<Connection, Ended>) -> Result<(), End> {
        self.making = None;
        self.learn(&made);
        match made {
            Ok(connection) if self.live.is_none() => {
                let live = self.new_live(connection);
                self.begin(live).await
            }
            Ok(connection) => {
                let mut next = self.new_live(connection);
                match next.prepare(&self.history).await {
                    Ok(()) => self.spare = Some(next),
                    Err(error) => self.not_recycled(&error.into()),
                }
                Ok(())
            }
            Err(Ended::Unwanted) => Err(End::Unwanted),
            Err(ended) if self.live.is_some() => {
                self.not_recycled(&ended);
                Ok(())
            }
            Err(Ended::Refused(failure, cause)) => Err(End::Failed(failure, cause)),
            Err(ended) => {
                self.attempt_failed(&ended);
                Ok(())
            }
        }
    }

    /// All calls learn from an attempt of one.
    fn learn(&self, made: &Result<Connection, Ended>) {
        let breaker = &self.provider.breaker;
        match made {
            Ok(_) => breaker.connected(),
            Err(Ended::Refused(failure, _)) => breaker.not_connected(*failure),
            Err(Ended::Lost(_)) => breaker.not_connected(Failure::Unreachable),
            Err(Ended::Expired | Ended::Unwanted) => {}
        }
    }

    fn new_live(&self, connection: Connection) -> Live {
        Live::new(connection, self.provider.turn_detection.clone())
    }

    /// There is a session again.
    async fn begin(&mut self, mut live: Live) -> Result<(), End> {
        if let Err(error) = live.take_over(&self.history).await {
            self.attempt_failed(&error.into());
            return Ok(());
        }
        self.outage.take_if(|outage| outage.is_first());
        self.use_from_now_on(live);
        self.tell(Realtime::Connected).await
    }

    fn use_from_now_on(&mut self, live: Live) {
        self.recycle_at = Instant::now() + self.provider.max_session_duration;
        self.live = Some(live);
    }

    fn attempt_failed(&mut self, ended: &Ended) {
        self.last_failure = format!("{ended:?}");
        self.outage = self.outage.take().map(Outage::next);
    }

    /// The old session goes on for now.
    fn not_recycled(&mut self, ended: &Ended) {
        tracing::warn!(reason = ?ended, "The next Realtime session could not be made");
        self.spare = None;
        self.recycle_at = Instant::now() + RECYCLE_RETRY;
    }

    /// The session has ended without our doing.
    async fn lost(&mut self, ended: Ended) -> Result<(), End> {
        let Some(live) = self.live.take() else {
            return Ok(());
        };
        if let Ended::Refused(failure, cause) = ended {
            return Err(End::Failed(failure, cause));
        }
        tracing::info!(reason = ?ended, "The Realtime session is lost and made again");
        metrics::counter!("insta_agent_realtime_losses").increment(1);
        let nothing_open =
            !live.is_open() && !self.history.is_open() && !self.back_off.is_holding();
        if nothing_open && self.spare.is_some() {
            self.switch().await?;
            // What took this session may have taken the next one as well.
            if self.live.is_some() {
                return Ok(());
            }
        }
        self.history.session_lost();
        self.back_off.release();
        let patience = self.provider.reconnect_timeout;
        self.outage = Some(Outage::after(self.outage.take(), live.age(), patience));
        if ended != Ended::Expired {
            self.send(Event::Trouble(Trouble::Reconnecting)).await?;
        }
        self.tell(Realtime::Disconnected).await?;
        match self.spare.take() {
            Some(spare) => self.begin(spare).await,
            None => Ok(()),
        }
    }

    /// The next session takes over. Should it be lost already, the old one goes on, if there is one.
    async fn switch(&mut self) -> Result<(), End> {
        let Some(mut next) = self.spare.take() else {
            return Ok(());
        };
        match next.take_over(&self.history).await {
            Ok(()) => {
                tracing::info!("The Realtime session is exchanged");
                metrics::counter!("insta_agent_realtime_recycles").increment(1);
                self.use_from_now_on(next);
                Ok(())
            }
            Err(error) => {
                self.not_recycled(&error.into());
                Ok(())
            }
        }
    }

    fn spare_received(&mut self, event: Result<ServerEvent, Closed>) {
        match event.map(meaning) {
            Ok(Meaning::Fatal(failure, cause)) => {
                self.provider.breaker.refused(failure);
                self.not_recycled(&Ended::Refused(failure, cause));
            }
            Ok(_) => {}
            Err(closed) => self.not_recycled(&closed.into()),
        }
    }

    async fn received(&mut self, event: ServerEvent) -> Result<(), End> {
        if let Some(usage) = usage(&event) {
            self.used(usage).await?;
        }
        match meaning(event) {
            Meaning::Event(event) => self.happened(event).await,
            Meaning::SpeechStarted(item, audio_ms) => {
                let ago = self.ago(audio_ms);
                self.happened(Realtime::SpeechStarted { item, ago }).await
            }
            Meaning::SpeechStopped(item, audio_ms) => {
                let ago = self.ago(audio_ms);
                self.happened(Realtime::SpeechStopped { item, ago }).await
            }
            Meaning::RateLimited(event) => self.rate_limited(event).await,
            Meaning::UsedUp(wait) => {
                self.back_off.used_up(wait);
                Ok(())
            }
            Meaning::Expired => {
                // It is closed in a moment; the next one should be there by then.
                self.recycle_at = Instant::now();
                Ok(())
            }
            Meaning::Fatal(failure, cause) => {
                self.provider.breaker.refused(failure);
                Err(End::Failed(failure, cause))
            }
            Meaning::SetUp | Meaning::Nothing => Ok(()),
        }
    }

    async fn happened(&mut self, event: Realtime) -> Result<(), End> {
        self.note(&event);
        self.tell(event).await
    }

    fn ago(&self, audio_ms: u64) -> Duration {
        let live = self.live.as_ref();
        live.map_or(Duration::ZERO, |live| live.ago(audio_ms))
    }

    fn note(&mut self, event: &Realtime) {
        self.last_active = Instant::now();
        if let Realtime::ResponseDone { outcome, .. } = event
            && *outcome == Outcome::Completed
        {
            self.provider.breaker.answered();
        }
        if let Some(live) = &mut self.live {
            live.note(event, &mut self.history);
        }
    }

    async fn used(&mut self, usage: Usage) -> Result<(), End> {
        usage.count();
        let cost = self.provider.prices.map(|prices| prices.cost(&usage));
        self.send(Event::Used(Bill { usage, cost })).await
    }

    /// The provider had no room for a response.
    async fn rate_limited(&mut self, event: Option<Realtime>) -> Result<(), End> {
        let requested = self.live.as_ref().and_then(Live::requested);
        let Some(event) = event.or(requested.map(Realtime::ResponseRejected)) else {
            return Ok(());
        };
        self.note(&event);
        self.send(Event::Trouble(Trouble::RateLimited)).await?;
        match self.back_off.hold(event) {
            Some(event) => self.tell(event).await,
            None => Ok(()),
        }
    }

    async fn release(&mut self) -> Result<(), End> {
        match self.back_off.release() {
            Some(refusal) => self.tell(refusal).await,
            None => Ok(()),
        }
    }

    /// When there is something to do even if nothing happens.
    fn due(&self) -> Instant {
        let held = self.back_off.due();
        let recycling = match (&self.live, &self.spare) {
            (Some(_), Some(_)) => Some(self.quiet_from()),
            (Some(_), None) if self.making.is_none() => Some(self.recycle_at),
            _ => None,
        };
        let far = Instant::now() + STALE;
        held.into_iter().chain(recycling).fold(far, std::cmp::min)
    }

    async fn do_due(&mut self) -> Result<(), End> {
        let now = Instant::now();
        if self.back_off.due().is_some_and(|due| due <= now) {
            self.release().await?;
        }
        if self.live.is_some() && self.quiet_from() <= now {
            self.switch().await?;
        }
        Ok(())
    }

    /// When nothing would be missed if the next session took over, unless something happens before.
    fn quiet_from(&self) -> Instant {
        let live_open = self.live.as_ref().is_some_and(Live::is_open);
        let is_open = live_open || self.history.is_open() || self.back_off.is_holding();
        self.last_active + if is_open { STALE } else { CALM }
    }

    async fn tell(&mut self, event: Realtime) -> Result<(), End> {
        self.send(Event::Conversation(event)).await
    }

    async fn send(&mut self, event: Event) -> Result<(), End> {
        self.events.send(event).await.map_err(|_| End::Unwanted)
    }
}

/// How making a session went; waits for ever while none is made.
async fn made(
    making: &mut Option<BoxFuture<'static, Result<Connection, Ended>>>,
) -> Result<Connection, Ended> {
    match making {
        Some(making) => making.await,
        None => pending().await,
    }
}

/// The next event of a session; waits for ever while there is none.
async fn next_event(live: &mut Option<Live>) -> Result<ServerEvent, Closed> {
    match live {
        Some(live) => live.recv().await,
        None => pending().await,
    }
}
