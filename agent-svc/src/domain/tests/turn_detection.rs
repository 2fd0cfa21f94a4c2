//! Who decides when turns begin and end: what is the same whoever does, and what is not.

use insta::assert_snapshot;

use super::super::TurnDetection;
use super::stage::transcript;

/// What is kept and told of a call, without times. In push to talk the caller holds the button while
/// they speak.
fn kept(turn_detection: TurnDetection, script: &str) -> String {
    let mut lines = format!("0 turns by {turn_detection}\n");
    for line in script.lines().map(str::trim) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let pressed = match words[..] {
            [at, "caller", "speaks", length, ..] if turn_detection == TurnDetection::Manual => {
                let (at, length): (u64, u64) = (at.parse().unwrap(), length.parse().unwrap());
                Some((at, at + length))
            }
            _ => None,
        };
        if let Some((from, _)) = pressed {
            lines += &format!("{from} button down\n");
        }
        lines += &format!("{line}\n");
        if let Some((_, until)) = pressed {
            lines += &format!("{until} button up\n");
        }
    }
    let told = transcript(&lines);
    let kept = told.lines().filter_map(|line| {
        let (_, what) = line.trim_start().split_once("  ")?;
        let is_kept = ["store", "tell", "tool", "end", "count"]
            .iter()
            .any(|verb| what.starts_with(verb));
        let without_times = what.split(" (").next()?.split(" after ").next()?;
        let cut_short = if what.contains("(interrupted") {
            " (interrupted)"
        } else {
            ""
        };
        is_kept.then(|| format!("{without_times}{cut_short}\n"))
    });
    kept.collect()
}

/// What is kept of a call, which must be the same whoever decides.
fn kept_by_all(script: &str) -> String {
    let [first, others @ ..] =
        TurnDetection::ALL.map(|detection| (detection, kept(detection, script)));
    for (detection, other) in others {
        assert_eq!(first.1, other, "{detection}");
    }
    first.1
}

#[test]
fn whoever_decides_questions_are_answered() {
    assert_snapshot!(kept_by_all(r#"
           0 greeting "Hello Ada."
         200 call begins
        2000 model says "You are on the Pro plan."
        2000 caller speaks 1000 "What plan am I on?"
        7000 model calls get_account
        7000 model says "It has three seats."
        7000 caller speaks 800 "And how many seats?"
       12000 caller hangs up
    "#), @r"
    tell model: Hello Ada.
    store 1 Assistant: Hello Ada.
    store 2 User: What plan am I on?
    store 3 Assistant: You are on the Pro plan.
    store 4 User: And how many seats?
    tool get_account Ok
    store 5 Assistant: It has three seats. [get_account]
    end call: UserHangup
    ");
}

#[test]
fn whoever_decides_a_caller_who_interrupts_is_heard_and_the_rest_is_not_kept() {
    assert_snapshot!(kept_by_all(r#"
           0 call begins
        1000 model says "Once upon a time there was a king who had three daughters."
        1000 caller speaks 1000 "Tell me a story."
        4000 caller speaks 1500 "Stop that, tell me another one."
        4000 model says "Fine."
        9000 caller hangs up
    "#), @r"
    store 1 User: Tell me a story.
    count Interruption
    store 2 Assistant: Once upon a time there (interrupted)
    store 3 User: Stop that, tell me another one.
    store 4 Assistant: Fine.
    end call: UserHangup
    ");
}

#[test]
fn whoever_decides_what_must_be_heard_is_not_cut() {
    assert_snapshot!(kept_by_all(r#"
           0 call begins
        1000 model fails
        1000 model fails
        1000 caller speaks 1000 "What plan am I on?"
       60000 caller speaks 1000 "Never mind that."
       90000 provider fails
       91000 caller speaks 1500 "Wait, one more question."
    "#), @r"
    store 1 User: What plan am I on?
    count ResponseFailed
    count ResponseFailed
    store 2 Assistant: Sorry, I could not answer that. Please ask me again.
    tell model: Are you still there?
    store 3 Assistant: Are you still there?
    store 4 User: Never mind that.
    store 5 Assistant: All right.
    tell model: I am sorry, I have a technical problem and must end this call. Please try again in a moment.
    store 6 Assistant: I am sorry, I have a technical problem and must end this call. Please try again in a moment.
    end call: ProviderError
    ");
}

#[test]
fn whoever_decides_a_written_turn_is_answered_at_once() {
    assert_snapshot!(kept_by_all(r#"
           0 call begins
        1000 model says "Once upon a time there was an incomprehensibly rich king."
        1000 caller speaks 1000 "Tell me a story."
        4500 model says "Pro."
        4600 message "What plan am I on?"
        9000 caller hangs up
    "#), @r"
    store 1 User: Tell me a story.
    count Interruption
    store 2 Assistant: Once upon a time there was an (interrupted)
    store 3 User: What plan am I on?
    store 4 Assistant: Pro.
    end call: UserHangup
    ");
}

#[test]
fn whoever_decides_a_turn_is_answered_after_the_provider_was_away() {
    assert_snapshot!(kept_by_all(r#"
           0 call begins
        1000 provider is lost
        2000 caller speaks 1000 "What plan am I on?"
        5000 model says "Pro."
        6000 provider connects
       15000 model says "Three."
       15000 caller speaks 1000 "And how many seats?"
       19000 caller hangs up
    "#), @r"
    store 1 User: What plan am I on?
    store 2 Assistant: Please hold on, I am reconnecting.
    store 3 Assistant: Pro.
    store 4 User: And how many seats?
    store 5 Assistant: Three.
    end call: UserHangup
    ");
}

#[test]
fn the_provider_ends_a_turn_and_is_asked_for_an_answer() {
    assert_snapshot!(transcript(r#"
           0 turns by server_vad
           0 call begins
        2000 model says "You are on the Pro plan."
        2000 caller speaks 1000 "What plan"
        3300 caller speaks 600 "am I on?"
        7000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2200  provider hears speech
    4400  provider ends turn
    4400  create response 1
    4400  -> Thinking
    4600  play 1
    4600  -> Speaking
    4600  User: What plan am I on?
    4600  store 1 User: What plan am I on?
    6030  Assistant: You are on the Pro plan.
    6030  store 2 Assistant: You are on the Pro plan. (500 + 200 -> 700 ms)
    6030  -> Listening
    7000  end call: UserHangup
    ");
}

#[test]
fn a_nod_pauses_the_answer_and_the_turn_that_the_provider_makes_of_it_is_removed() {
    assert_snapshot!(transcript(r#"
           0 turns by server_vad
           0 call begins
        1000 model says "Once upon a time there was a king who had three daughters."
        1000 caller speaks 1000 "Tell me a story."
        4000 caller speaks 400 "Okay."
        5500 caller speaks 150 ""
       12000 caller hangs up
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     1200  provider hears speech
     2500  provider ends turn
     2500  create response 1
     2500  -> Thinking
     2700  play 1
     2700  -> Speaking
     2700  User: Tell me a story.
     2700  store 1 User: Tell me a story.
     4060  pause
     4060  -> Listening
     4200  provider hears speech
     4400  recognise sound 1: Okay.
     4550  recognise sound 2: Okay.
     4600  count FalseInterruption
     4600  resume
     4600  -> Speaking
     4900  provider ends turn
     4900  delete user_2
     5560  pause
     5560  -> Listening
     5850  count FalseInterruption
     5850  resume
     5850  -> Speaking
     7000  Assistant: Once upon a time there was a king who had three daughters.
     7000  store 2 Assistant: Once upon a time there was a king who had three daughters. (500 + 200 -> 700 ms)
     7000  -> Listening
    12000  end call: UserHangup
    ");
}

#[test]
fn a_nod_that_goes_on_as_a_question_is_one_turn_of_the_provider() {
    assert_snapshot!(transcript(r#"
           0 turns by semantic_vad
           0 call begins
        1000 model says "Once upon a time there was a king who had three daughters."
        1000 caller speaks 1000 "Tell me a story."
        4000 caller speaks 300 "Okay."
        4750 caller speaks 1500 "But who is the youngest daughter?"
        4750 model says "Ada."
       12000 caller hangs up
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     1200  provider hears speech
     2500  provider ends turn
     2500  create response 1
     2500  -> Thinking
     2700  play 1
     2700  -> Speaking
     2700  User: Tell me a story.
     2700  store 1 User: Tell me a story.
     4060  pause
     4060  -> Listening
     4200  provider hears speech
     4400  recognise sound 1: Okay.
     4500  count FalseInterruption
     4500  resume
     4500  -> Speaking
     4810  pause
     4810  -> Listening
     5150  recognise sound 2: But
     5300  recognise sound 3: But who
     5370  count Interruption
     5370  stop 1
     5370  truncate item_1 at 1670
     5370  Assistant: Once upon a time there was
     5370  store 2 Assistant: Once upon a time there was (interrupted in 60 ms) (500 + 200 -> 700 ms)
     6750  provider ends turn
     6750  create response 2
     6750  -> Thinking
     6950  play 2
     6950  -> Speaking
     6950  User: Okay. But who is the youngest daughter?
     6950  store 3 User: Okay. But who is the youngest daughter?
     7180  Assistant: Ada.
     7180  store 4 Assistant: Ada. (500 + 200 -> 700 ms)
     7180  -> Listening
    12000  end call: UserHangup
    ");
}

#[test]
fn the_assistants_own_echo_is_no_turn_although_the_provider_says_so() {
    assert_snapshot!(transcript(r#"
           0 turns by server_vad
           0 caller echoes at first
           0 greeting "Hello Ada, how can I help you today?"
         200 call begins
         600 caller speaks 600 "how can I"
        5000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  synthesise 1: Hello Ada, how can I help you today?
     200  -> Idle
     200  play 1
     200  -> Speaking
     800  provider hears speech
    1350  recognise sound 1: how can I
    1420  count FalseInterruption
    1700  provider ends turn
    1700  delete user_1
    2350  Assistant: Hello Ada, how can I help you today?
    2350  tell model: Hello Ada, how can I help you today?
    2350  store 1 Assistant: Hello Ada, how can I help you today?
    2350  -> Listening
    5000  end call: UserHangup
    ");
}

#[test]
fn a_sound_that_is_nothing_to_the_provider_is_none() {
    assert_snapshot!(transcript(r#"
           0 turns by server_vad
           0 call begins
        2000 caller speaks 150 ""
        5000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    5000  end call: UserHangup
    ");
}

#[test]
fn a_turn_that_the_provider_never_ends_is_ended_after_ten_seconds() {
    assert_snapshot!(transcript(r#"
           0 turns by semantic_vad
           0 provider never ends turns
           0 call begins
        2000 caller speaks 1000 "What plan am I on?"
       20000 caller hangs up
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2200  provider hears speech
    13200  commit audio
    13200  create response 1
    13200  -> Thinking
    13400  User: What plan am I on?
    13400  store 1 User: What plan am I on?
    13400  play 1
    13400  -> Speaking
    13990  Assistant: All right.
    13990  store 2 Assistant: All right. (10200 + 200 -> 10400 ms)
    13990  -> Listening
    20000  end call: UserHangup
    ");
}

#[test]
fn a_turn_that_goes_on_when_the_provider_is_lost_and_comes_back_is_its_again() {
    assert_snapshot!(transcript(r#"
           0 turns by server_vad
           0 call begins
        2000 caller speaks 3000 "What plan am I on and how many seats has it?"
        3000 provider is lost
        4000 provider connects
        9000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2200  provider hears speech
    4050  provider hears speech
    5500  provider ends turn
    5500  create response 1
    5500  -> Thinking
    5700  play 1
    5700  -> Speaking
    5700  User: What plan am I on and how many seats has it?
    5700  store 1 User: What plan am I on and how many seats has it?
    6290  Assistant: All right.
    6290  store 2 Assistant: All right. (500 + 200 -> 700 ms)
    6290  -> Listening
    9000  end call: UserHangup
    ");
}

#[test]
fn a_provider_in_whose_place_another_comes_ends_no_turns_any_more() {
    assert_snapshot!(transcript(r#"
           0 turns by server_vad
           0 call begins
         200 caller speaks 1000 "What plan am I on?"
         900 provider is replaced
        6000 caller speaks 900 "And until when?"
       12000 caller hangs up
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
      400  provider hears speech
      900  send speech only
     1400  judge pause 1
     1630  commit audio
     1630  create response 1
     1630  -> Thinking
     1830  User: What plan am I on?
     1830  store 1 User: What plan am I on?
     1830  play 1
     1830  -> Speaking
     2420  Assistant: All right.
     2420  store 2 Assistant: All right. (430 + 200 -> 630 ms)
     2420  -> Listening
     7100  judge pause 2
     7330  commit audio
     7330  create response 2
     7330  -> Thinking
     7530  User: And until when?
     7530  store 3 User: And until when?
     7530  play 2
     7530  -> Speaking
     8120  Assistant: All right.
     8120  store 4 Assistant: All right. (430 + 200 -> 630 ms)
     8120  -> Listening
    12000  end call: UserHangup
    ");
}

#[test]
fn a_damaged_turn_of_the_providers_is_removed_and_asked_for_again() {
    assert_snapshot!(transcript(r#"
           0 turns by server_vad
           0 call begins
        2000 caller speaks 1000 "What plan am I on?"
        2500 input is lost
        9000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2200  provider hears speech
    3500  provider ends turn
    3500  delete user_1
    3500  synthesise 1: Sorry, I lost what you said. Could you say it again?
    3600  play 1
    3600  -> Speaking
    6710  Assistant: Sorry, I lost what you said. Could you say it again?
    6710  store 1 Assistant: Sorry, I lost what you said. Could you say it again?
    6710  -> Listening
    9000  end call: UserHangup
    ");
}

#[test]
fn the_button_takes_the_floor_at_once_and_what_is_said_without_it_is_not_heard() {
    assert_snapshot!(transcript(r#"
           0 turns by manual
           0 call begins
        1000 caller speaks 1000 "You there, come to dinner!"
        3000 button down
        3100 caller speaks 1000 "Tell me a story."
        3500 button down
        4200 button up
        4200 model says "Once upon a time there was a king who had three daughters."
        5500 caller speaks 800 "In a minute!"
        6500 button down
        6600 caller speaks 500 "Stop."
        7200 button up
        7200 model says "Fine."
       12000 caller hangs up
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     3000  open input
     4400  commit audio
     4400  create response 1
     4400  -> Thinking
     4600  User: Tell me a story.
     4600  store 1 User: Tell me a story.
     4600  play 1
     4600  -> Speaking
     6500  count Interruption
     6500  stop 1
     6500  truncate item_1 at 1810
     6500  Assistant: Once upon a time there was a
     6500  store 2 Assistant: Once upon a time there was a (interrupted) (200 + 200 -> 400 ms)
     6500  open input
     6500  -> Listening
     7400  commit audio
     7400  create response 2
     7400  -> Thinking
     7600  User: Stop.
     7600  store 3 User: Stop.
     7600  play 2
     7600  -> Speaking
     7890  Assistant: Fine.
     7890  store 4 Assistant: Fine. (200 + 200 -> 400 ms)
     7890  -> Listening
    12000  end call: UserHangup
    ");
}

#[test]
fn a_cancelled_turn_is_forgotten_and_buttons_that_make_no_sense_are_refused() {
    assert_snapshot!(transcript(r#"
           0 turns by manual
           0 call begins
        1000 button up
        1100 turn is cancelled
        2000 button down
        2100 caller speaks 1000 "What I meant to say"
        3300 turn is cancelled
        3400 button up
        5000 operator ends
        5100 button down
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    1000  refused: no turn has begun
    1100  refused: no turn has begun
    2000  open input
    3300  clear audio
    3400  refused: no turn has begun
    5000  end call: Operator
    ");
}

#[test]
fn a_button_that_is_held_for_ever_ends_the_turn_after_a_minute() {
    assert_snapshot!(transcript(r#"
           0 turns by manual
           0 call begins
        1000 button down
        1100 caller speaks 1000 "What plan am I on?"
       65000 button up
       70000 caller hangs up
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     1000  open input
    61000  commit audio
    61000  create response 1
    61000  -> Thinking
    61200  User: What plan am I on?
    61200  store 1 User: What plan am I on?
    61200  play 1
    61200  -> Speaking
    61790  Assistant: All right.
    61790  store 2 Assistant: All right. (0 + 200 -> 200 ms)
    61790  -> Listening
    65000  refused: no turn has begun
    70000  end call: UserHangup
    ");
}

#[test]
fn there_is_no_button_where_somebody_else_decides() {
    assert_snapshot!(transcript(r#"
           0 turns by local
           0 call begins
        1000 button down
        1000 button up
        2000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    1000  refused: turns are not delimited by the caller
    1000  refused: turns are not delimited by the caller
    2000  end call: UserHangup
    ");
}
