//! Timelines: each is one phenomenon.

use insta::assert_snapshot;

use super::stage::transcript;

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
    3450  commit audio
    3450  create response 1
    3450  -> Thinking
    3650  User: What plan am I on?
    3650  store 2 User: What plan am I on?
    3650  play 2
    3650  -> Speaking
    5080  Assistant: You are on the Pro plan.
    5080  store 3 Assistant: You are on the Pro plan. (450 + 200 -> 650 ms)
    5080  -> Listening
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
fn a_pause_within_a_sentence_does_not_end_the_turn() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 caller speaks 800 ""
        2150 caller speaks 800 ""
        6000 operator ends
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    3400  commit audio
    3400  create response 1
    3400  -> Thinking
    3600  User: 
    3600  store 1 User: 
    3600  play 1
    3600  -> Speaking
    4190  Assistant: All right.
    4190  store 2 Assistant: All right. (450 + 200 -> 650 ms)
    4190  -> Listening
    6000  end call: Operator
    ");
}

#[test]
fn barge_in_stops_playback_and_keeps_only_what_was_heard() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 model says "Once upon a time there was a king who had three daughters."
        1000 caller speaks 1000 "Tell me a story."
        4000 caller speaks 800 "Another one."
        4000 model says "Fine."
        9000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2450  commit audio
    2450  create response 1
    2450  -> Thinking
    2650  User: Tell me a story.
    2650  store 1 User: Tell me a story.
    2650  play 1
    2650  -> Speaking
    4060  pause
    4060  -> Listening
    4550  count Interruption
    4550  stop 1
    4550  truncate item_1 at 1410
    4550  Assistant: Once upon a time there
    4550  store 2 Assistant: Once upon a time there (interrupted) (450 + 200 -> 650 ms)
    5250  commit audio
    5250  create response 2
    5250  -> Thinking
    5450  User: Another one.
    5450  store 3 User: Another one.
    5450  play 2
    5450  -> Speaking
    5740  Assistant: Fine.
    5740  store 4 Assistant: Fine. (450 + 200 -> 650 ms)
    5740  -> Listening
    9000  end call: UserHangup
    ");
}

#[test]
fn after_a_cough_the_answer_goes_on_where_it_paused() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 model says "Once upon a time there was a king."
        1000 caller speaks 1000 "Tell me a story."
        3500 caller speaks 150 ""
        9000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2450  commit audio
    2450  create response 1
    2450  -> Thinking
    2650  User: Tell me a story.
    2650  store 1 User: Tell me a story.
    2650  play 1
    2650  -> Speaking
    3560  pause
    3560  -> Listening
    3900  clear audio
    3900  count FalseInterruption
    3900  resume
    3900  -> Speaking
    5020  Assistant: Once upon a time there was a king.
    5020  store 2 Assistant: Once upon a time there was a king. (450 + 200 -> 650 ms)
    5020  -> Listening
    9000  end call: UserHangup
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
     2450  commit audio
     2450  create response 1
     2450  -> Thinking
     2650  User: What plan
     2650  store 1 User: What plan
     2660  -> Listening
     3150  count Interruption
     3950  commit audio
     3950  -> Thinking
     4150  User: am I on?
     4150  store 2 User: am I on?
     6450  create response 2
     6650  play 2
     6650  -> Speaking
     6880  Assistant: Pro.
     6880  store 3 Assistant: Pro. (450 + 2700 -> 3150 ms)
     6880  -> Listening
    30000  end call: Operator
    ");
}

#[test]
fn tools_run_at_once_and_are_answered_before_the_next_response() {
    assert_snapshot!(transcript(r#"
           0 call begins
           0 tool get_account takes 300
           0 tool search_knowledge takes 500
        1000 model calls get_account search_knowledge
        1000 model says "You are on Pro."
        1000 caller speaks 1000 "What plan?"
        8000 caller hangs up
    "#), @r#"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2450  commit audio
    2450  create response 1
    2450  -> Thinking
    2600  call get_account call_1_1
    2600  call search_knowledge call_1_2
    2650  User: What plan?
    2650  store 1 User: What plan?
    2900  answer call_1_1: {"ok":true}
    2900  tool get_account Ok after 300 ms
    3100  answer call_1_2: {"ok":true}
    3100  tool search_knowledge Ok after 500 ms
    3100  create response 2
    3300  play 2
    3300  -> Speaking
    4190  Assistant: You are on Pro.
    4190  store 2 Assistant: You are on Pro. [get_account] [search_knowledge] (450 + 850 -> 1300 ms)
    4190  -> Listening
    8000  end call: UserHangup
    "#);
}

#[test]
fn a_tool_that_hangs_is_given_up_and_the_caller_hears_something_meanwhile() {
    assert_snapshot!(transcript(r#"
           0 call begins
           0 tool get_account hangs
        1000 model calls get_account
        1000 model says "I cannot see it."
        1000 caller speaks 1000 "What plan?"
       15000 caller hangs up
    "#), @r#"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2450  commit audio
     2450  create response 1
     2450  -> Thinking
     2600  call get_account call_1_1
     2650  User: What plan?
     2650  store 1 User: What plan?
     5250  synthesise 2: One moment, please.
     5350  play 2
     5350  -> Speaking
     6480  Assistant: One moment, please.
     6480  store 2 Assistant: One moment, please.
     6480  -> Thinking
     8600  cancel tool call_1_1
     8600  answer call_1_1: {"error":{"code":"timeout","message":"it took too long"}}
     8600  tool get_account TimedOut after 6000 ms
     8600  create response 2
     8800  play 3
     8800  -> Speaking
     9750  Assistant: I cannot see it.
     9750  store 3 Assistant: I cannot see it. [get_account] (450 + 6350 -> 6800 ms)
     9750  -> Listening
    15000  end call: UserHangup
    "#);
}

#[test]
fn a_tool_that_is_running_when_the_caller_speaks_on_is_answered_without_a_second_reply() {
    assert_snapshot!(transcript(r#"
           0 call begins
           0 tool get_account takes 1500
        1000 model calls get_account
        1000 model says "You are on Pro."
        1000 caller speaks 1000 "What plan?"
        2800 caller speaks 1500 "I mean, what plan?"
       10000 caller hangs up
    "#), @r#"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2450  commit audio
     2450  create response 1
     2450  -> Thinking
     2600  call get_account call_1_1
     2650  User: What plan?
     2650  store 1 User: What plan?
     2860  -> Listening
     3350  count Interruption
     4100  answer call_1_1: {"ok":true}
     4100  tool get_account Ok after 1500 ms
     4750  commit audio
     4750  create response 2
     4750  -> Thinking
     4950  User: I mean, what plan?
     4950  store 2 User: I mean, what plan?
     4950  play 2
     4950  -> Speaking
     5840  Assistant: You are on Pro.
     5840  store 3 Assistant: You are on Pro. (450 + 200 -> 650 ms)
     5840  -> Listening
    10000  end call: UserHangup
    "#);
}

#[test]
fn the_fifth_round_of_tools_may_call_none() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 model calls a
        1000 model calls a
        1000 model calls a
        1000 model calls a
        1000 model calls a
        1000 model says "Enough."
        1000 caller speaks 1000 "Loop."
       12000 caller hangs up
    "#), @r#"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2450  commit audio
     2450  create response 1
     2450  -> Thinking
     2600  call a call_1_1
     2650  User: Loop.
     2650  store 1 User: Loop.
     2650  answer call_1_1: {"ok":true}
     2650  tool a Ok after 50 ms
     2750  create response 2
     2900  call a call_2_1
     2950  answer call_2_1: {"ok":true}
     2950  tool a Ok after 50 ms
     3050  create response 3
     3200  call a call_3_1
     3250  answer call_3_1: {"ok":true}
     3250  tool a Ok after 50 ms
     3350  create response 4
     3500  call a call_4_1
     3550  answer call_4_1: {"ok":true}
     3550  tool a Ok after 50 ms
     3650  create response 5 without tools
     3800  answer call_5_1: {"error":{"code":"cancelled","message":"no tool can be used now"}}
     3950  count ResponseFailed
     3950  create response 6 without tools
     4150  play 6
     4150  -> Speaking
     4560  Assistant: Enough.
     4560  store 2 Assistant: Enough. [a] [a] [a] [a] (450 + 1700 -> 2150 ms)
     4560  -> Listening
    12000  end call: UserHangup
    "#);
}

#[test]
fn the_assistant_says_goodbye_before_it_hangs_up() {
    assert_snapshot!(transcript(r#"
           0 call begins
           0 tool end_call takes 10 ending
        1000 model calls end_call
        1000 model says "Goodbye."
        1000 caller speaks 1000 "Thanks, bye."
    "#), @r#"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2450  commit audio
    2450  create response 1
    2450  -> Thinking
    2600  call end_call call_1_1
    2610  answer call_1_1: {"ok":true}
    2610  tool end_call Ok after 10 ms
    2650  User: Thanks, bye.
    2650  store 1 User: Thanks, bye.
    2750  create response 2
    2950  play 2
    2950  -> Speaking
    3420  Assistant: Goodbye.
    3420  store 2 Assistant: Goodbye. [end_call] (450 + 500 -> 950 ms)
    3420  end call: AgentHangup
    "#);
}

#[test]
fn a_text_to_say_waits_for_the_answer() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 model says "You are on the Pro plan."
        1000 caller speaks 1000 "What plan?"
        3000 say "Your ticket was closed."
        8000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2450  commit audio
    2450  create response 1
    2450  -> Thinking
    2650  User: What plan?
    2650  store 1 User: What plan?
    2650  play 1
    2650  -> Speaking
    3000  synthesise 2: Your ticket was closed.
    4080  Assistant: You are on the Pro plan.
    4080  store 2 Assistant: You are on the Pro plan. (450 + 200 -> 650 ms)
    4080  play 2
    5460  Assistant: Your ticket was closed.
    5460  tell model: Your ticket was closed.
    5460  store 3 Assistant: Your ticket was closed.
    5460  -> Listening
    8000  end call: UserHangup
    ");
}

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
    2450  commit audio
    2450  create response 1
    2450  -> Thinking
    2650  User: What plan?
    2650  store 1 User: What plan?
    2750  count ResponseFailed
    2750  create response 2
    3050  count ResponseFailed
    3050  synthesise 3: Sorry, I could not answer that. Please ask me again.
    3050  -> Listening
    3150  play 3
    3150  -> Speaking
    6260  Assistant: Sorry, I could not answer that. Please ask me again.
    6260  store 2 Assistant: Sorry, I could not answer that. Please ask me again.
    6260  -> Listening
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
    2450  commit audio
    2450  create response 1
    2450  -> Thinking
    2650  User: What plan?
    2650  store 1 User: What plan?
    4000  create response 2
    4200  play 2
    4200  -> Speaking
    4430  Assistant: Pro.
    4430  store 2 Assistant: Pro. (450 + 1750 -> 2200 ms)
    4430  -> Listening
    9000  end call: UserHangup
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
     2650  commit audio
     2650  -> Thinking
     2850  User: Hello?
     2850  store 1 User: Hello?
     5450  synthesise 2: One moment, please.
     5550  play 2
     5550  -> Speaking
     6680  Assistant: One moment, please.
     6680  store 2 Assistant: One moment, please.
     6680  -> Thinking
    13000  synthesise 3: I am sorry, I have a technical problem and must end this call. Please try again in a moment.
    13000  -> Listening
    13100  play 3
    13100  -> Speaking
    18610  Assistant: I am sorry, I have a technical problem and must end this call. Please try again in a moment.
    18610  tell model: I am sorry, I have a technical problem and must end this call. Please try again in a moment.
    18610  store 3 Assistant: I am sorry, I have a technical problem and must end this call. Please try again in a moment.
    18610  end call: ProviderError
    ");
}

#[test]
fn silence_and_length_end_the_call_with_a_word() {
    assert_snapshot!(transcript("0 call begins"), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
    60000  synthesise 1: I have not heard anything for a while, so I will hang up now. Goodbye.
    60100  play 1
    60100  -> Speaking
    64290  Assistant: I have not heard anything for a while, so I will hang up now. Goodbye.
    64290  tell model: I have not heard anything for a while, so I will hang up now. Goodbye.
    64290  store 1 Assistant: I have not heard anything for a while, so I will hang up now. Goodbye.
    64290  end call: Silence
    ");
}

#[test]
fn the_longest_call_ends_with_a_word() {
    let mut script = String::from("0 call begins\n");
    for turn in 1..60 {
        script += &format!("{} caller speaks 1000 \"Go on.\"\n", turn * 40_000);
    }
    let written = transcript(&script);
    let end = written.lines().rev().take(7).collect::<Vec<_>>();
    assert_snapshot!(end.into_iter().rev().collect::<Vec<_>>().join("\n"), @r"
    1800100  play 45
    1800100  -> Speaking
    1801450  clear audio
    1803570  Assistant: We have reached the longest time a call may last. Goodbye.
    1803570  tell model: We have reached the longest time a call may last. Goodbye.
    1803570  store 89 Assistant: We have reached the longest time a call may last. Goodbye.
    1803570  end call: TimeLimit
    ");
}

#[test]
fn a_caller_who_never_comes_or_does_not_come_back_is_not_waited_for() {
    assert_snapshot!(transcript("0 joined
                                 0 provider connects"), @r"
        0  -> Initializing
        0  -> Idle
    60000  end call: ParticipantLost
    ");
    assert_snapshot!(transcript("0 call begins
                              1000 caller is lost"), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     1000  clear audio
     1000  -> Idle
    31000  end call: ParticipantLost
    ");
}
