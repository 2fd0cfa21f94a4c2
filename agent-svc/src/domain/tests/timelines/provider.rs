//! A provider that fails, or is away.

use insta::assert_snapshot;

use super::transcript;

#[test]
fn a_response_that_fails_is_asked_for_once_more_and_then_excused() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 model fails
        1000 model fails
        1000 caller speaks 1000 "What plan?"
        9000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2200  judge pause 1
    2430  commit audio
    2430  create response 1
    2430  -> Thinking
    2630  User: What plan?
    2630  store 1 User: What plan?
    2730  count ResponseFailed
    2730  create response 2
    3030  count ResponseFailed
    3030  synthesise 3: Sorry, I could not answer that. Please ask me again.
    3030  -> Listening
    3130  play 3
    3130  -> Speaking
    6240  Assistant: Sorry, I could not answer that. Please ask me again.
    6240  store 2 Assistant: Sorry, I could not answer that. Please ask me again.
    6240  -> Listening
    9000  end call: UserHangup
    ");
}

#[test]
fn an_answer_that_was_lost_with_the_session_is_asked_for_again() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 model hangs
        1000 model says "Pro."
        1000 caller speaks 1000 "What plan?"
        3000 provider is lost
        4000 provider connects
        9000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2200  judge pause 1
    2430  commit audio
    2430  create response 1
    2430  -> Thinking
    2630  User: What plan?
    2630  store 1 User: What plan?
    3250  synthesise 3: Please hold on, I am reconnecting.
    3350  play 3
    3350  -> Speaking
    4000  create response 2
    5380  Assistant: Please hold on, I am reconnecting.
    5380  store 2 Assistant: Please hold on, I am reconnecting.
    5380  play 2
    5620  Assistant: Pro.
    5620  store 3 Assistant: Pro. (430 + 1770 -> 3390 ms)
    5620  -> Listening
    9000  end call: UserHangup
    ");
}

#[test]
fn another_provider_answers_what_the_first_could_not() {
    assert_snapshot!(transcript(r#"
           0 call begins
         100 model hangs
         100 model says "You are on the Pro plan."
         200 caller speaks 1000 "What plan am I on?"
        3000 provider is lost
        6000 provider is replaced
       12000 caller hangs up
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     1400  judge pause 1
     1630  commit audio
     1630  create response 1
     1630  -> Thinking
     1830  User: What plan am I on?
     1830  store 1 User: What plan am I on?
     3250  synthesise 3: Please hold on, I am reconnecting.
     3350  play 3
     3350  -> Speaking
     5380  Assistant: Please hold on, I am reconnecting.
     5380  store 2 Assistant: Please hold on, I am reconnecting.
     5380  -> Thinking
     6000  create response 2
     6200  play 2
     6200  -> Speaking
     7630  Assistant: You are on the Pro plan.
     7630  store 3 Assistant: You are on the Pro plan. (430 + 4570 -> 5000 ms)
     7630  -> Listening
    12000  end call: UserHangup
    ");
}

#[test]
fn a_session_that_is_made_again_at_once_is_not_worth_a_word() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 model hangs
        1000 model says "Pro."
        1000 caller speaks 1000 "What plan?"
        3000 provider is lost
        3200 provider connects
        9000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2200  judge pause 1
    2430  commit audio
    2430  create response 1
    2430  -> Thinking
    2630  User: What plan?
    2630  store 1 User: What plan?
    3200  create response 2
    3400  play 2
    3400  -> Speaking
    3630  Assistant: Pro.
    3630  store 2 Assistant: Pro. (430 + 970 -> 1400 ms)
    3630  -> Listening
    9000  end call: UserHangup
    ");
}

#[test]
fn an_outage_after_an_answer_that_broke_off_is_not_told_twice() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 model breaks off after "You are on the Pro"
        1000 caller speaks 1000 "What plan?"
        3000 provider is lost
       17000 provider connects
       30000 caller hangs up
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2200  judge pause 1
     2430  commit audio
     2430  create response 1
     2430  -> Thinking
     2630  User: What plan?
     2630  store 1 User: What plan?
     2630  play 1
     2630  -> Speaking
     3000  synthesise 2: Sorry, I was cut off. Let me say that again.
     3700  Assistant: You are on the
     3700  store 2 Assistant: You are on the (430 + 200 -> 630 ms)
     3700  play 2
     6340  Assistant: Sorry, I was cut off. Let me say that again.
     6340  store 3 Assistant: Sorry, I was cut off. Let me say that again.
     6340  -> Thinking
    11000  synthesise 4: One moment, please.
    11100  play 4
    11100  -> Speaking
    12230  Assistant: One moment, please.
    12230  store 4 Assistant: One moment, please.
    12230  -> Thinking
    17000  create response 2
    17200  play 3
    17200  -> Speaking
    17790  Assistant: All right.
    17790  store 5 Assistant: All right.
    17790  -> Listening
    30000  end call: UserHangup
    ");
}

#[test]
fn a_provider_that_stays_away_ends_the_call_with_a_word() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 provider is lost
        1200 caller speaks 1000 "Hello?"
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2400  judge pause 1
     2630  commit audio
     2630  -> Thinking
     2830  User: Hello?
     2830  store 1 User: Hello?
     2880  synthesise 2: Please hold on, I am reconnecting.
     2980  play 2
     2980  -> Speaking
     5010  Assistant: Please hold on, I am reconnecting.
     5010  store 2 Assistant: Please hold on, I am reconnecting.
     5010  -> Thinking
    10880  synthesise 3: One moment, please.
    10980  play 3
    10980  -> Speaking
    12110  Assistant: One moment, please.
    12110  store 3 Assistant: One moment, please.
    12110  -> Thinking
    18880  synthesise 4: One moment, please.
    18980  play 4
    18980  -> Speaking
    20110  Assistant: One moment, please.
    20110  store 4 Assistant: One moment, please.
    20110  -> Thinking
    21000  synthesise 5: I am sorry, I have a technical problem and must end this call. Please try again in a moment.
    21000  -> Listening
    21100  play 5
    21100  -> Speaking
    26610  Assistant: I am sorry, I have a technical problem and must end this call. Please try again in a moment.
    26610  tell model: I am sorry, I have a technical problem and must end this call. Please try again in a moment.
    26610  store 5 Assistant: I am sorry, I have a technical problem and must end this call. Please try again in a moment.
    26610  end call: ProviderError
    ");
}

#[test]
fn an_answer_that_breaks_off_with_the_session_is_given_again() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 model breaks off after "You are on the Pro"
        1000 model says "You are on the Pro plan."
        1000 caller speaks 1000 "What plan?"
        3000 provider is lost
        4000 provider connects
       15000 caller hangs up
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2200  judge pause 1
     2430  commit audio
     2430  create response 1
     2430  -> Thinking
     2630  User: What plan?
     2630  store 1 User: What plan?
     2630  play 1
     2630  -> Speaking
     3000  synthesise 2: Sorry, I was cut off. Let me say that again.
     3700  Assistant: You are on the
     3700  store 2 Assistant: You are on the (430 + 200 -> 630 ms)
     3700  play 2
     4000  create response 2
     6340  Assistant: Sorry, I was cut off. Let me say that again.
     6340  store 3 Assistant: Sorry, I was cut off. Let me say that again.
     6340  play 3
     7780  Assistant: You are on the Pro plan.
     7780  store 4 Assistant: You are on the Pro plan.
     7780  -> Listening
    15000  end call: UserHangup
    ");
}

#[test]
fn the_caller_is_asked_to_repeat_a_turn_only_when_its_sound_was_lost() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 caller speaks 1000 "What plan?"
        1500 input is lost
        1600 input is lost
        6000 caller speaks 1000 "What plan?"
        6500 provider is lost
        8500 provider connects
       12000 caller hangs up
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2200  judge pause 1
     2430  clear audio
     2430  synthesise 1: Sorry, I lost what you said. Could you say it again?
     2530  play 1
     2530  -> Speaking
     5640  Assistant: Sorry, I lost what you said. Could you say it again?
     5640  store 1 Assistant: Sorry, I lost what you said. Could you say it again?
     5640  -> Listening
     7200  judge pause 2
     7430  commit audio
     7430  -> Thinking
     7630  User: What plan?
     7630  store 2 User: What plan?
     7680  synthesise 3: Please hold on, I am reconnecting.
     7780  play 3
     7780  -> Speaking
     8500  create response 1
     9810  Assistant: Please hold on, I am reconnecting.
     9810  store 3 Assistant: Please hold on, I am reconnecting.
     9810  play 2
    10410  Assistant: All right.
    10410  store 4 Assistant: All right. (430 + 1270 -> 2820 ms)
    10410  -> Listening
    12000  end call: UserHangup
    ");
}
