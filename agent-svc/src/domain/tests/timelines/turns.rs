//! The caller's turns: when they are over, and that they are answered.

use insta::assert_snapshot;

use super::transcript;

#[test]
fn a_call_is_greeted_answered_and_hung_up() {
    assert_snapshot!(transcript(r#"
           0 greeting "Hello Ada."
         200 call begins
        2000 model says "You are on the Pro plan."
        2000 caller speaks 1000 "What plan am I on?"
        6000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  synthesise 1: Hello Ada.
     200  -> Idle
     200  play 1
     200  -> Speaking
     790  Assistant: Hello Ada.
     790  tell model: Hello Ada.
     790  store 1 Assistant: Hello Ada.
     790  -> Listening
    3200  judge pause 1
    3430  commit audio
    3430  create response 1
    3430  -> Thinking
    3630  User: What plan am I on?
    3630  store 2 User: What plan am I on?
    3630  play 2
    3630  -> Speaking
    5060  Assistant: You are on the Pro plan.
    5060  store 3 Assistant: You are on the Pro plan. (430 + 200 -> 630 ms)
    5060  -> Listening
    6000  end call: UserHangup
    ");
}

#[test]
fn the_greeting_waits_for_the_caller() {
    assert_snapshot!(transcript(r#"
           0 greeting "Hello."
           0 joined
           0 provider connects
        5000 caller joins
        7000 operator ends
    "#), @r"
       0  -> Initializing
       0  synthesise 1: Hello.
       0  -> Idle
    5000  play 1
    5000  -> Speaking
    5350  Assistant: Hello.
    5350  tell model: Hello.
    5350  store 1 Assistant: Hello.
    5350  -> Listening
    7000  end call: Operator
    ");
}

#[test]
fn a_caller_whom_nobody_knows_yet_is_greeted_all_the_same() {
    assert_snapshot!(transcript(r#"
           0 joined
           0 provider connects
           0 nobody knows the caller "Hello."
        2000 caller joins
        5000 operator ends
    "#), @r"
       0  -> Initializing
       0  -> Idle
    2000  -> Listening
    2300  greet a stranger
    2310  synthesise 1: Hello.
    2410  play 1
    2410  -> Speaking
    2760  Assistant: Hello.
    2760  tell model: Hello.
    2760  store 1 Assistant: Hello.
    2760  -> Listening
    5000  end call: Operator
    ");
}

#[test]
fn a_pause_within_a_sentence_does_not_end_the_turn() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 caller speaks 800 "What does the"
        2150 caller speaks 800 "business plan cost?"
        6000 operator ends
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2000  judge pause 1
    3150  judge pause 2
    3380  commit audio
    3380  create response 1
    3380  -> Thinking
    3580  User: What does the business plan cost?
    3580  store 1 User: What does the business plan cost?
    3580  play 1
    3580  -> Speaking
    4170  Assistant: All right.
    4170  store 2 Assistant: All right. (430 + 200 -> 630 ms)
    4170  -> Listening
    6000  end call: Operator
    ");
}

#[test]
fn a_caller_who_goes_on_before_the_answer_is_heard_gets_one_answer() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 caller speaks 1000 "What plan"
        1000 model hangs
        2600 caller speaks 900 "am I on?"
        2600 model says "Pro."
       30000 operator ends
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2200  judge pause 1
     3700  judge pause 2
     3950  commit audio
     3950  create response 1
     3950  -> Thinking
     4150  User: What plan am I on?
     4150  store 1 User: What plan am I on?
     6750  synthesise 2: One moment, please.
     6850  play 2
     6850  -> Speaking
     7950  count ResponseFailed
     7950  create response 2
     7980  Assistant: One moment, please.
     7980  store 2 Assistant: One moment, please.
     7980  -> Thinking
     8150  play 3
     8150  -> Speaking
     8380  Assistant: Pro.
     8380  store 3 Assistant: Pro. (450 + 4200 -> 4650 ms)
     8380  -> Listening
    30000  end call: Operator
    ");
}

#[test]
fn a_pause_that_sounds_finished_ends_the_turn_soon_and_another_late() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 caller speaks 1000 "What plan am I on?"
        6000 caller speaks 1000 "I wanted to ask you about"
       14000 caller hangs up
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2200  judge pause 1
     2430  commit audio
     2430  create response 1
     2430  -> Thinking
     2630  User: What plan am I on?
     2630  store 1 User: What plan am I on?
     2630  play 1
     2630  -> Speaking
     3220  Assistant: All right.
     3220  store 2 Assistant: All right. (430 + 200 -> 630 ms)
     3220  -> Listening
     7200  judge pause 2
     9360  commit audio
     9360  create response 2
     9360  -> Thinking
     9560  User: I wanted to ask you about
     9560  store 3 User: I wanted to ask you about
     9560  play 2
     9560  -> Speaking
    10150  Assistant: All right.
    10150  store 4 Assistant: All right. (2360 + 200 -> 2560 ms)
    10150  -> Listening
    14000  end call: UserHangup
    ");
}

#[test]
fn a_caller_who_thinks_in_the_middle_of_a_sentence_is_waited_for() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 caller speaks 1000 "I wanted to ask"
        4200 caller speaks 1000 "what plan I am on."
        9000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2200  judge pause 1
    5400  judge pause 2
    5750  commit audio
    5750  create response 1
    5750  -> Thinking
    5950  User: I wanted to ask what plan I am on.
    5950  store 1 User: I wanted to ask what plan I am on.
    5950  play 1
    5950  -> Speaking
    6540  Assistant: All right.
    6540  store 2 Assistant: All right. (550 + 200 -> 750 ms)
    6540  -> Listening
    9000  end call: UserHangup
    ");
}

#[test]
fn without_a_vote_in_time_the_turn_ends_as_in_doubt() {
    assert_snapshot!(transcript(r#"
           0 call begins
           0 pause sounds nothing
        1000 caller speaks 1000 "What plan?"
        6000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2200  judge pause 1 in vain
    2690  commit audio
    2690  create response 1
    2690  -> Thinking
    2890  User: What plan?
    2890  store 1 User: What plan?
    2890  play 1
    2890  -> Speaking
    3480  Assistant: All right.
    3480  store 2 Assistant: All right. (690 + 200 -> 890 ms)
    3480  -> Listening
    6000  end call: UserHangup
    ");
}

#[test]
fn a_caller_of_long_pauses_is_given_more_time() {
    assert_snapshot!(transcript(r#"
           0 call begins
           0 pause sounds 0.4
        1000 caller speaks 1000 "One."
           0 pause sounds 0.4
        2600 caller speaks 1000 "Two."
        4200 caller speaks 1000 "Three."
        7000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2200  judge pause 1
    3800  judge pause 2
    5400  judge pause 3
    5680  commit audio
    5680  create response 1
    5680  -> Thinking
    5880  User: One. Two. Three.
    5880  store 1 User: One. Two. Three.
    5880  play 1
    5880  -> Speaking
    6470  Assistant: All right.
    6470  store 2 Assistant: All right. (480 + 200 -> 680 ms)
    6470  -> Listening
    7000  end call: UserHangup
    ");
}
