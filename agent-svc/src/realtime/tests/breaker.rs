//! When calls begin, and when they are refused because they could only apologise.

use openai_realtime::{ErrorDetail, code};
use realtime_script::{Door, Fault, Line, Script, Server};
use tokio::time::{Instant, sleep};

use super::super::*;
use super::scenarios::refusing;
use super::stage::{Stage, line, server};
use crate::provider::Failure;

const SECOND: Duration = Duration::from_secs(1);

/// A breaker that has seen so many attempts fail.
fn after_failures(failures: usize, failure: Failure) -> Breaker {
    let breaker = Breaker::default();
    for _ in 0..failures {
        breaker.not_connected(failure);
    }
    breaker
}

/// Somebody calls every second. Gives the seconds at which they may, and what `becomes` of it.
async fn admitted(breaker: &Breaker, seconds: u64, becomes: impl Fn(&Breaker)) -> Vec<u64> {
    let began = Instant::now();
    let mut admitted = Vec::new();
    for _ in 0..seconds {
        if breaker.admit().is_ok() {
            admitted.push(began.elapsed().as_secs());
            becomes(breaker);
        }
        sleep(SECOND).await;
    }
    admitted
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_stays_away_is_tried_less_and_less_often() {
    let breaker = after_failures(4, Failure::Unreachable);
    assert_eq!(breaker.admit(), Ok(()));
    breaker.not_connected(Failure::Unreachable);
    let fails = |breaker: &Breaker| breaker.not_connected(Failure::Unreachable);
    let trials = admitted(&breaker, 200, fails).await;
    assert_eq!(trials, [5, 15, 35, 75, 135, 195]);
    // The first session that is made, of whatever call, is enough.
    breaker.connected();
    assert_eq!(breaker.failure(), None);
    assert_eq!(admitted(&breaker, 3, |_| {}).await, [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn one_call_tries_and_the_others_wait_for_what_becomes_of_it() {
    let breaker = after_failures(5, Failure::Unreachable);
    // A trial of which nothing is heard is followed by another.
    assert_eq!(admitted(&breaker, 30, |_| {}).await, [5, 15, 25]);
    // What calls that began before go on to see does not prolong it.
    let breaker = after_failures(20, Failure::Unreachable);
    let refused = Unavailable {
        failure: Failure::Unreachable,
        retry_after: 5 * SECOND,
    };
    assert_eq!(breaker.admit(), Err(refused));
    sleep(7 * SECOND).await;
    breaker.not_connected(Failure::Unreachable);
    assert_eq!(breaker.admit(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_fails_most_of_the_time_is_given_a_rest() {
    for (failures, successes, is_open) in [(1, 2, false), (2, 1, true)] {
        let breaker = Breaker::default();
        for _ in 0..6 {
            for _ in 0..failures {
                breaker.not_connected(Failure::Unreachable);
            }
            for _ in 0..successes {
                breaker.connected();
            }
            sleep(SECOND / 2).await;
        }
        breaker.not_connected(Failure::Unreachable);
        breaker.not_connected(Failure::Unreachable);
        assert_eq!(breaker.failure().is_some(), is_open, "{failures}");
    }
    // The same spread over a minute is none of it.
    let breaker = Breaker::default();
    for _ in 0..20 {
        breaker.not_connected(Failure::Unreachable);
        breaker.not_connected(Failure::Unreachable);
        breaker.connected();
        sleep(3 * SECOND).await;
    }
    assert_eq!(breaker.failure(), None);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_cannot_be_used_is_asked_again_after_five_minutes() {
    // Sessions can be had without quota, so only an answer shows that there is some.
    let quota = after_failures(1, Failure::InsufficientQuota);
    let trials = admitted(&quota, 620, |breaker| {
        breaker.connected();
        breaker.refused(Failure::InsufficientQuota);
    });
    assert_eq!(trials.await, [300, 600]);
    quota.connected();
    assert!(quota.failure().is_some());
    quota.answered();
    assert_eq!(quota.failure(), None);
    // Without a key there are no sessions at all.
    let key = after_failures(1, Failure::InvalidApiKey);
    assert_eq!(admitted(&key, 302, Breaker::connected).await, [300, 301]);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_one_session_is_no_reason_to_refuse_others() {
    let breaker = Breaker::default();
    breaker.refused(Failure::Refused);
    assert_eq!(breaker.admit(), Ok(()));
    breaker.not_connected(Failure::Refused);
    assert!(breaker.admit().is_err());
}

/// What is known of a provider after a call to it of two seconds.
async fn learnt(server: Server, breaker: &Breaker) -> Option<Failure> {
    let mut stage = Stage::open_as(server, |api| RealtimeApi {
        breaker: breaker.clone(),
        ..api
    });
    stage.turn(600).await;
    stage.run(1_400).await;
    breaker.failure()
}

#[tokio::test(start_paused = true)]
async fn row_3_calls_tell_each_other_that_the_provider_cannot_be_had() {
    for (door, failure) in [
        (Door::Open, None),
        (Door::Down, Some(Failure::Unreachable)),
        (
            refusing(503, "server_overloaded"),
            Some(Failure::Unreachable),
        ),
        (
            refusing(401, code::INVALID_API_KEY),
            Some(Failure::InvalidApiKey),
        ),
        (refusing(403, "not_here"), Some(Failure::Refused)),
    ] {
        let server = server(vec![line("Hello?", "Hello.")]);
        server.door(door);
        assert_eq!(learnt(server, &Breaker::default()).await, failure);
    }
}

#[tokio::test(start_paused = true)]
async fn row_4_the_answer_that_fails_for_want_of_quota_is_the_last_that_is_asked_for() {
    let broke = ErrorDetail::invalid(code::INSUFFICIENT_QUOTA, "no");
    let broke = Line {
        faults: vec![Fault::Fail(broke)],
        ..line("Hello?", "Hello.")
    };
    let breaker = Breaker::default();
    let failure = learnt(Server::in_memory(vec![broke]), &breaker).await;
    assert_eq!(failure, Some(Failure::InsufficientQuota));
    assert!(breaker.admit().is_err());
    sleep(300 * SECOND).await;
    assert_eq!(breaker.admit(), Ok(()));
    let paid = Script::from(vec![line("Hello?", "Hello.")]);
    assert_eq!(learnt(Server::in_memory(paid), &breaker).await, None);
}
