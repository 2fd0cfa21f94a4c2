//! How well the network carries the call: measured, counted, and used to know what was heard.

use std::time::{Duration, Instant};

use livekit_rtc::{Quality, RpcRequest, Statistics};

use super::task::{Done, Task};
use crate::domain::Input;

/// What a browser takes from a packet to the ear on a quiet network: a packet of 20 ms, some 40 ms
/// of jitter buffer, and 30 ms to the loudspeaker.
const REMOTE_BUFFER: Duration = Duration::from_millis(90);
/// A jitter buffer holds so many times the jitter, beyond that.
const JITTER_ALLOWANCE: u32 = 2;
/// The way to the caller is measured at every so many statistics, which come every two seconds.
const MEASURE_EVERY: u32 = 5;
/// A method that nobody has: the refusal tells how long a message takes to the caller and back.
const ECHO: &str = "lk.agent.echo";
const ECHO_TIMEOUT: Duration = Duration::from_secs(8);

/// What is known of the network.
#[derive(Debug, Default)]
pub(super) struct Network {
    /// To the caller and back.
    pub(super) caller_round_trip: Option<Duration>,
    measurements: u32,
}

impl Network {
    /// Whether it is time to measure the way to the caller.
    fn is_due(&mut self) -> bool {
        let is_due = self.measurements.is_multiple_of(MEASURE_EVERY);
        self.measurements += 1;
        is_due
    }
}

impl Task {
    pub(super) fn measured(&mut self, statistics: &Statistics) {
        let Some(caller) = self.room.as_ref().and_then(|room| room.caller.clone()) else {
            return;
        };
        let received = statistics
            .received
            .iter()
            .find(|track| track.participant == caller.identity)
            .map(|track| track.quality);
        count(statistics, received, self.network.caller_round_trip);
        if self.network.is_due() {
            self.measure(caller.identity);
        }
        if self.app.playout_delay.is_none() {
            let round_trip = self.network.caller_round_trip.or(statistics.round_trip);
            let jitter = received.map_or(Duration::ZERO, |quality| quality.jitter);
            let delay = playout_delay(round_trip.unwrap_or_default(), jitter);
            self.input(Input::PlayoutDelay(delay));
        }
    }

    /// Asks the caller's page for something that it does not know.
    fn measure(&self, destination: livekit_rtc::Identity) {
        let Some(room) = &self.room else {
            return;
        };
        let (participant, done) = (room.participant.clone(), self.done.clone());
        tokio::spawn(async move {
            let request = RpcRequest {
                destination,
                method: ECHO.to_owned(),
                payload: String::new(),
                response_timeout: ECHO_TIMEOUT,
            };
            let asked = Instant::now();
            let answer = participant.perform_rpc(request).await;
            let is_refusal = |error: &livekit_rtc::RpcError| {
                error.is(livekit_rtc::RpcFailure::UnsupportedMethod)
            };
            if answer.map_or_else(|error| is_refusal(&error), |_| true) {
                let _ = done.send(Done::RoundTrip(asked.elapsed())).await;
            }
        });
    }
}

/// How long sound takes from here to the caller's ear. Their own network is taken to jitter on the way
/// to them as it does on the way from them.
pub(super) fn playout_delay(round_trip: Duration, jitter: Duration) -> Duration {
    round_trip / 2 + jitter * JITTER_ALLOWANCE + REMOTE_BUFFER
}

fn count(statistics: &Statistics, received: Option<Quality>, caller_round_trip: Option<Duration>) {
    if let Some(round_trip) = statistics.round_trip {
        metrics::histogram!("insta_agent_round_trip_seconds").record(round_trip.as_secs_f64());
    }
    if let Some(round_trip) = caller_round_trip {
        metrics::histogram!("insta_agent_caller_round_trip_seconds")
            .record(round_trip.as_secs_f64());
    }
    for (direction, quality) in [("sent", statistics.sent), ("received", received)] {
        let Some(quality) = quality else { continue };
        metrics::histogram!("insta_agent_jitter_seconds", "direction" => direction)
            .record(quality.jitter.as_secs_f64());
        metrics::histogram!("insta_agent_packet_loss_ratio", "direction" => direction)
            .record(f64::from(quality.loss));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_ear_is_half_the_round_trip_and_what_is_buffered() {
        let delay = |round_trip, jitter| {
            let ms = Duration::from_millis;
            playout_delay(ms(round_trip), ms(jitter)).as_millis()
        };
        assert_eq!([delay(0, 0), delay(80, 0), delay(80, 15)], [90, 130, 160]);
    }

    #[test]
    fn the_way_to_the_caller_is_measured_at_once_and_then_every_ten_seconds() {
        let mut network = Network::default();
        let due: Vec<bool> = (0..7).map(|_| network.is_due()).collect();
        assert_eq!(due, [true, false, false, false, false, true, false]);
    }
}
