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
    2200  judge pause 1
    2430  commit audio
    2430  create response 1
    2430  -> Thinking
    2630  User: Tell me a story.
    2630  store 1 User: Tell me a story.
    2630  play 1
    2630  -> Speaking
    4060  pause
    4060  -> Listening
    4400  recognise sound 1: Another
    4550  recognise sound 2: Another
    4620  count Interruption
    4620  stop 1
    4620  truncate item_1 at 1430
    4620  Assistant: Once upon a time there
    4620  store 2 Assistant: Once upon a time there (interrupted in 60 ms) (430 + 200 -> 630 ms)
    5000  judge pause 2
    5230  commit audio
    5230  create response 2
    5230  -> Thinking
    5430  User: Another one.
    5430  store 3 User: Another one.
    5430  play 2
    5430  -> Speaking
    5720  Assistant: Fine.
    5720  store 4 Assistant: Fine. (430 + 200 -> 630 ms)
    5720  -> Listening
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
    2200  judge pause 1
    2430  commit audio
    2430  create response 1
    2430  -> Thinking
    2630  User: Tell me a story.
    2630  store 1 User: Tell me a story.
    2630  play 1
    2630  -> Speaking
    3560  pause
    3560  -> Listening
    3850  clear audio
    3850  count FalseInterruption
    3850  resume
    3850  -> Speaking
    4950  Assistant: Once upon a time there was a king.
    4950  store 2 Assistant: Once upon a time there was a king. (430 + 200 -> 630 ms)
    4950  -> Listening
    9000  end call: UserHangup
    ");
}

#[test]
fn a_back_channel_is_told_by_its_words_and_costs_none_of_the_answers() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 model says "Once upon a time there was a king who had three daughters."
        1000 caller speaks 1000 "Tell me a story."
        4000 caller speaks 400 "Okay."
        5500 caller speaks 650 "Yeah, right."
       12000 caller hangs up
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2200  judge pause 1
     2430  commit audio
     2430  create response 1
     2430  -> Thinking
     2630  User: Tell me a story.
     2630  store 1 User: Tell me a story.
     2630  play 1
     2630  -> Speaking
     4060  pause
     4060  -> Listening
     4400  recognise sound 1: Okay.
     4550  recognise sound 2: Okay.
     4600  clear audio
     4600  count FalseInterruption
     4600  resume
     4600  -> Speaking
     5560  pause
     5560  -> Listening
     5900  recognise sound 3: Yeah,
     6050  recognise sound 4: Yeah,
     6200  recognise sound 5: Yeah, right.
     6350  clear audio
     6350  count FalseInterruption
     6350  resume
     6350  -> Speaking
     7430  Assistant: Once upon a time there was a king who had three daughters.
     7430  store 2 Assistant: Once upon a time there was a king who had three daughters. (430 + 200 -> 630 ms)
     7430  -> Listening
    12000  end call: UserHangup
    ");
}

#[test]
fn a_single_word_that_wants_the_floor_gets_it() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 model says "Once upon a time there was a king who had three daughters."
        1000 caller speaks 1000 "Tell me a story."
        4000 caller speaks 350 "Stop."
        4000 model says "All right."
       12000 caller hangs up
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2200  judge pause 1
     2430  commit audio
     2430  create response 1
     2430  -> Thinking
     2630  User: Tell me a story.
     2630  store 1 User: Tell me a story.
     2630  play 1
     2630  -> Speaking
     4060  pause
     4060  -> Listening
     4400  recognise sound 1: Stop.
     4550  count Interruption
     4550  stop 1
     4550  truncate item_1 at 1430
     4550  Assistant: Once upon a time there
     4550  store 2 Assistant: Once upon a time there (interrupted in 60 ms) (430 + 200 -> 630 ms)
     4550  judge pause 2
     4780  commit audio
     4780  create response 2
     4780  -> Thinking
     4980  User: Stop.
     4980  store 3 User: Stop.
     4980  play 2
     4980  -> Speaking
     5570  Assistant: All right.
     5570  store 4 Assistant: All right. (430 + 200 -> 630 ms)
     5570  -> Listening
    12000  end call: UserHangup
    ");
}

#[test]
fn a_murmur_that_nobody_understands_is_an_interruption_only_if_it_lasts() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 model says "Once upon a time there was a king who had three daughters."
        1000 caller speaks 1000 "Tell me a story."
        4000 caller murmurs 600 "Emil."
        6000 caller murmurs 900 "Give one."
       12000 caller hangs up
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2200  judge pause 1
     2430  commit audio
     2430  create response 1
     2430  -> Thinking
     2630  User: Tell me a story.
     2630  store 1 User: Tell me a story.
     2630  play 1
     2630  -> Speaking
     4060  pause
     4060  -> Listening
     4400  recognise sound 1: 
     4550  recognise sound 2: 
     4700  recognise sound 3: Emil.
     4800  clear audio
     4800  count FalseInterruption
     4800  resume
     4800  -> Speaking
     6060  pause
     6060  -> Listening
     6400  recognise sound 4: 
     6550  recognise sound 5: Give
     6700  recognise sound 6: Give
     6850  recognise sound 7: Give
     7000  count Interruption
     7000  stop 1
     7000  truncate item_1 at 2690
     7000  Assistant: Once upon a time there was a king who had
     7000  store 2 Assistant: Once upon a time there was a king who had (interrupted in 60 ms) (430 + 200 -> 630 ms)
     7100  judge pause 2
     7330  commit audio
     7330  create response 2
     7330  -> Thinking
     7530  User: Give one.
     7530  store 3 User: Give one.
     7530  play 2
     7530  -> Speaking
     8120  Assistant: All right.
     8120  store 4 Assistant: All right. (430 + 200 -> 630 ms)
     8120  -> Listening
    12000  end call: UserHangup
    ");
}

#[test]
fn what_begins_like_a_nod_and_goes_on_is_an_interruption() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 model says "Once upon a time there was a king who had three daughters."
        1000 caller speaks 1000 "Tell me a story."
        4000 caller speaks 2000 "Yeah yeah but what about her?"
        4000 model says "Who?"
       12000 caller hangs up
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2200  judge pause 1
     2430  commit audio
     2430  create response 1
     2430  -> Thinking
     2630  User: Tell me a story.
     2630  store 1 User: Tell me a story.
     2630  play 1
     2630  -> Speaking
     4060  pause
     4060  -> Listening
     4400  recognise sound 1: Yeah
     4550  recognise sound 2: Yeah
     4700  recognise sound 3: Yeah yeah
     4850  recognise sound 4: Yeah yeah
     5000  recognise sound 5: Yeah yeah but
     5070  count Interruption
     5070  stop 1
     5070  truncate item_1 at 1430
     5070  Assistant: Once upon a time there
     5070  store 2 Assistant: Once upon a time there (interrupted in 60 ms) (430 + 200 -> 630 ms)
     6200  judge pause 2
     6430  commit audio
     6430  create response 2
     6430  -> Thinking
     6630  User: Yeah yeah but what about her?
     6630  store 3 User: Yeah yeah but what about her?
     6630  play 2
     6630  -> Speaking
     6860  Assistant: Who?
     6860  store 4 Assistant: Who? (430 + 200 -> 630 ms)
     6860  -> Listening
    12000  end call: UserHangup
    ");
}

#[test]
fn without_words_in_time_length_decides() {
    assert_snapshot!(transcript(r#"
           0 call begins
           0 words cannot be told
        1000 model says "Once upon a time there was a king who had three daughters."
        1000 caller speaks 1000 "Tell me a story."
        4000 caller speaks 400 "Okay."
        5500 caller speaks 700 "Stop it."
        5500 model says "All right."
       12000 caller hangs up
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2200  judge pause 1
     2430  commit audio
     2430  create response 1
     2430  -> Thinking
     2630  User: Tell me a story.
     2630  store 1 User: Tell me a story.
     2630  play 1
     2630  -> Speaking
     4060  pause
     4060  -> Listening
     4400  recognise sound 1 in vain
     4600  judge pause 2
     4800  clear audio
     4800  count FalseInterruption
     4800  resume
     4800  -> Speaking
     5560  pause
     5560  -> Listening
     5900  recognise sound 2 in vain
     6300  count Interruption
     6300  stop 1
     6300  truncate item_1 at 2180
     6300  Assistant: Once upon a time there was a king
     6300  store 2 Assistant: Once upon a time there was a king (interrupted in 60 ms) (430 + 200 -> 630 ms)
     6400  judge pause 3
     6630  commit audio
     6630  create response 2
     6630  -> Thinking
     6830  User: Stop it.
     6830  store 3 User: Stop it.
     6830  play 2
     6830  -> Speaking
     7420  Assistant: All right.
     7420  store 4 Assistant: All right. (430 + 200 -> 630 ms)
     7420  -> Listening
    12000  end call: UserHangup
    ");
}

#[test]
fn a_yes_over_the_end_of_a_question_answers_it() {
    assert_snapshot!(transcript(r#"
           0 greeting "Hello Ada."
           0 call begins
        4000 model says "Shall I change it to the Pro plan?"
        4000 caller speaks 800 "Is there a better plan?"
        6900 caller speaks 300 "Yes."
       12000 operator ends
    "#), @r"
        0  -> Initializing
        0  synthesise 1: Hello Ada.
        0  -> Idle
        0  -> Listening
      100  play 1
      100  -> Speaking
      690  Assistant: Hello Ada.
      690  tell model: Hello Ada.
      690  store 1 Assistant: Hello Ada.
      690  -> Listening
     5000  judge pause 1
     5230  commit audio
     5230  create response 1
     5230  -> Thinking
     5430  User: Is there a better plan?
     5430  store 2 User: Is there a better plan?
     5430  play 2
     5430  -> Speaking
     6960  pause
     6960  -> Listening
     7300  recognise sound 1: Yes.
     7400  count Interruption
     7400  stop 2
     7400  truncate item_1 at 1530
     7400  Assistant: Shall I change it to the
     7400  store 3 Assistant: Shall I change it to the (interrupted in 60 ms) (430 + 200 -> 630 ms)
     7400  judge pause 2
     7630  commit audio
     7630  create response 2
     7630  -> Thinking
     7830  User: Yes.
     7830  store 4 User: Yes.
     7830  play 3
     7830  -> Speaking
     8420  Assistant: All right.
     8420  store 5 Assistant: All right. (430 + 200 -> 630 ms)
     8420  -> Listening
    12000  end call: Operator
    ");
}

#[test]
fn a_nod_while_the_assistant_thinks_changes_nothing() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 model says "You are on the Pro plan."
        1000 caller speaks 1000 "What plan am I on?"
        2410 caller speaks 300 "Mhm."
        8000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2200  judge pause 1
    2430  commit audio
    2430  create response 1
    2430  -> Thinking
    2470  -> Listening
    2630  User: What plan am I on? Mhm.
    2630  store 1 User: What plan am I on? Mhm.
    2810  recognise sound 1: 
    2910  clear audio
    2910  count FalseInterruption
    2910  play 1
    2910  -> Speaking
    4340  Assistant: You are on the Pro plan.
    4340  store 2 Assistant: You are on the Pro plan. (430 + 200 -> 910 ms)
    4340  -> Listening
    8000  end call: UserHangup
    ");
}

#[test]
fn while_echo_cancellation_settles_the_assistant_does_not_interrupt_itself() {
    assert_snapshot!(transcript(r#"
           0 caller echoes at first
           0 greeting "Hello Ada, this is Iris. How can I help you today?"
           0 call begins
         300 caller speaks 900 "Hello Ada, this"
        1700 caller speaks 300 "Mhm."
        9000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  synthesise 1: Hello Ada, this is Iris. How can I help you today?
       0  -> Idle
       0  -> Listening
     100  play 1
     100  -> Speaking
    1050  recognise sound 1: Hello Ada,
    1120  clear audio
    1120  count FalseInterruption
    1400  clear audio
    2200  recognise sound 2: Mhm.
    2200  judge pause 1
    2270  clear audio
    2270  count FalseInterruption
    3090  Assistant: Hello Ada, this is Iris. How can I help you today?
    3090  tell model: Hello Ada, this is Iris. How can I help you today?
    3090  store 1 Assistant: Hello Ada, this is Iris. How can I help you today?
    3090  -> Listening
    9000  end call: UserHangup
    ");
}

#[test]
fn what_was_said_before_the_greeting_is_no_echo_of_it() {
    assert_snapshot!(transcript(r#"
           0 call begins
           0 greeting "Hello Ada. Last time, you asked: What plan am I on? How can I help?"
           0 model says "You are on Pro."
         500 caller spoke 1500 "What plan am I on?"
        9000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
       0  synthesise 1: Hello Ada. Last time, you asked: What plan am I on? How can I help?
     100  play 1
     100  -> Speaking
     500  pause
     500  recognise sound 1: 
     500  -> Listening
     650  recognise sound 2: What plan am I on?
     800  count Interruption
     800  stop 1
     800  Assistant: Hello
     800  tell model: Hello
     800  store 1 Assistant: Hello (interrupted in 500 ms)
     800  judge pause 1
    1030  commit audio
    1030  create response 1
    1030  -> Thinking
    1230  User: What plan am I on?
    1230  store 2 User: What plan am I on?
    1230  play 2
    1230  -> Speaking
    2120  Assistant: You are on Pro.
    2120  store 3 Assistant: You are on Pro. (430 + 200 -> 630 ms)
    2120  -> Listening
    9000  end call: UserHangup
    ");
}

#[test]
fn a_caller_who_speaks_over_the_first_words_gets_the_floor_all_the_same() {
    assert_snapshot!(transcript(r#"
           0 caller echoes at first
           0 greeting "Hello Ada, this is Iris. How can I help you today?"
           0 call begins
         300 caller speaks 900 "What plan am I on?"
        9000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  synthesise 1: Hello Ada, this is Iris. How can I help you today?
       0  -> Idle
       0  -> Listening
     100  play 1
     100  -> Speaking
    1050  recognise sound 1: What plan am I
    1120  count Interruption
    1120  stop 1
    1120  Assistant: Hello Ada, this
    1120  tell model: Hello Ada, this
    1120  store 1 Assistant: Hello Ada, this (interrupted in 820 ms)
    1120  -> Listening
    1400  judge pause 1
    1630  commit audio
    1630  create response 1
    1630  -> Thinking
    1830  User: What plan am I on?
    1830  store 2 User: What plan am I on?
    1830  play 2
    1830  -> Speaking
    2420  Assistant: All right.
    2420  store 3 Assistant: All right. (430 + 200 -> 630 ms)
    2420  -> Listening
    9000  end call: UserHangup
    ");
}

#[test]
fn without_words_only_a_long_sound_interrupts_the_first_words() {
    assert_snapshot!(transcript(r#"
           0 words cannot be told
           0 caller echoes at first
           0 greeting "Hello Ada, this is Iris. How can I help you with your account today?"
           0 call begins
         300 caller speaks 400 "Hello?"
        2000 caller speaks 1700 "What plan am I on?"
       12000 caller hangs up
    "#), @r"
        0  -> Initializing
        0  synthesise 1: Hello Ada, this is Iris. How can I help you with your account today?
        0  -> Idle
        0  -> Listening
      100  play 1
      100  -> Speaking
      900  recognise sound 1 in vain
      900  judge pause 1
     1800  clear audio
     1800  count FalseInterruption
     2750  recognise sound 2 in vain
     3500  count Interruption
     3500  stop 1
     3500  Assistant: Hello Ada, this is Iris. How can I help you with your
     3500  tell model: Hello Ada, this is Iris. How can I help you with your
     3500  store 1 Assistant: Hello Ada, this is Iris. How can I help you with your (interrupted in 1500 ms)
     3500  -> Listening
     3900  judge pause 2
     4130  commit audio
     4130  create response 1
     4130  -> Thinking
     4330  User: What plan am I on?
     4330  store 2 User: What plan am I on?
     4330  play 2
     4330  -> Speaking
     4920  Assistant: All right.
     4920  store 3 Assistant: All right. (430 + 200 -> 630 ms)
     4920  -> Listening
    12000  end call: UserHangup
    ");
}

#[test]
fn what_is_said_over_the_goodbye_becomes_no_turn() {
    assert_snapshot!(transcript(r#"
           0 call begins
       60500 caller speaks 700 "Wait, I"
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
    30000  synthesise 1: Are you still there?
    30100  play 1
    30100  -> Speaking
    31290  Assistant: Are you still there?
    31290  tell model: Are you still there?
    31290  store 1 Assistant: Are you still there?
    31290  -> Listening
    60000  synthesise 2: I have not heard anything for a while, so I will hang up now. Goodbye.
    60100  play 2
    60100  -> Speaking
    61400  clear audio
    64290  Assistant: I have not heard anything for a while, so I will hang up now. Goodbye.
    64290  tell model: I have not heard anything for a while, so I will hang up now. Goodbye.
    64290  store 2 Assistant: I have not heard anything for a while, so I will hang up now. Goodbye.
    64290  end call: Silence
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
     3940  commit audio
     3940  create response 1
     3940  -> Thinking
     4140  User: What plan am I on?
     4140  store 1 User: What plan am I on?
     6740  synthesise 2: One moment, please.
     6840  play 2
     6840  -> Speaking
     7940  count ResponseFailed
     7940  create response 2
     7970  Assistant: One moment, please.
     7970  store 2 Assistant: One moment, please.
     7970  -> Thinking
     8140  play 3
     8140  -> Speaking
     8370  Assistant: Pro.
     8370  store 3 Assistant: Pro. (440 + 4200 -> 4640 ms)
     8370  -> Listening
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
     9530  commit audio
     9530  create response 2
     9530  -> Thinking
     9730  User: I wanted to ask you about
     9730  store 3 User: I wanted to ask you about
     9730  play 2
     9730  -> Speaking
    10320  Assistant: All right.
    10320  store 4 Assistant: All right. (2530 + 200 -> 2730 ms)
    10320  -> Listening
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
    5720  commit audio
    5720  create response 1
    5720  -> Thinking
    5920  User: I wanted to ask what plan I am on.
    5920  store 1 User: I wanted to ask what plan I am on.
    5920  play 1
    5920  -> Speaking
    6510  Assistant: All right.
    6510  store 2 Assistant: All right. (520 + 200 -> 720 ms)
    6510  -> Listening
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
    5700  commit audio
    5700  create response 1
    5700  -> Thinking
    5900  User: One. Two. Three.
    5900  store 1 User: One. Two. Three.
    5900  play 1
    5900  -> Speaking
    6490  Assistant: All right.
    6490  store 2 Assistant: All right. (500 + 200 -> 700 ms)
    6490  -> Listening
    7000  end call: UserHangup
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
    2200  judge pause 1
    2430  commit audio
    2430  create response 1
    2430  -> Thinking
    2580  call get_account call_1_1
    2580  call search_knowledge call_1_2
    2630  User: What plan?
    2630  store 1 User: What plan?
    2880  answer call_1_1: {"ok":true}
    2880  tool get_account Ok after 300 ms
    3080  answer call_1_2: {"ok":true}
    3080  tool search_knowledge Ok after 500 ms
    3080  create response 2
    3280  play 2
    3280  -> Speaking
    4170  Assistant: You are on Pro.
    4170  store 2 Assistant: You are on Pro. [get_account] [search_knowledge] (430 + 150, 850 -> 1280 ms)
    4170  -> Listening
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
     2200  judge pause 1
     2430  commit audio
     2430  create response 1
     2430  -> Thinking
     2580  call get_account call_1_1
     2630  User: What plan?
     2630  store 1 User: What plan?
     5230  synthesise 2: One moment, please.
     5330  play 2
     5330  -> Speaking
     6460  Assistant: One moment, please.
     6460  store 2 Assistant: One moment, please.
     6460  -> Thinking
     8580  cancel tool call_1_1
     8580  answer call_1_1: {"error":{"code":"timeout","message":"it took too long"}}
     8580  tool get_account TimedOut after 6000 ms
     8580  create response 2
     8780  play 3
     8780  -> Speaking
     9730  Assistant: I cannot see it.
     9730  store 3 Assistant: I cannot see it. [get_account] (430 + 150, 6350 -> 6780 ms)
     9730  -> Listening
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
     2200  judge pause 1
     2430  commit audio
     2430  create response 1
     2430  -> Thinking
     2580  call get_account call_1_1
     2630  User: What plan?
     2630  store 1 User: What plan?
     2860  -> Listening
     3200  recognise sound 1: I
     3350  recognise sound 2: I
     3420  count Interruption
     4080  answer call_1_1: {"ok":true}
     4080  tool get_account Ok after 1500 ms
     4500  judge pause 2
     4820  commit audio
     4820  create response 2
     4820  -> Thinking
     5020  User: I mean, what plan?
     5020  store 2 User: I mean, what plan?
     5020  play 2
     5020  -> Speaking
     5910  Assistant: You are on Pro.
     5910  store 3 Assistant: You are on Pro. (520 + 200 -> 720 ms)
     5910  -> Listening
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
     2200  judge pause 1
     2430  commit audio
     2430  create response 1
     2430  -> Thinking
     2580  call a call_1_1
     2630  User: Loop.
     2630  store 1 User: Loop.
     2630  answer call_1_1: {"ok":true}
     2630  tool a Ok after 50 ms
     2730  create response 2
     2880  call a call_2_1
     2930  answer call_2_1: {"ok":true}
     2930  tool a Ok after 50 ms
     3030  create response 3
     3180  call a call_3_1
     3230  answer call_3_1: {"ok":true}
     3230  tool a Ok after 50 ms
     3330  create response 4
     3480  call a call_4_1
     3530  answer call_4_1: {"ok":true}
     3530  tool a Ok after 50 ms
     3630  create response 5 without tools
     3780  answer call_5_1: {"error":{"code":"cancelled","message":"no tool can be used now"}}
     3930  count ResponseFailed
     3930  create response 6 without tools
     4130  play 6
     4130  -> Speaking
     4540  Assistant: Enough.
     4540  store 2 Assistant: Enough. [a] [a] [a] [a] (430 + 150, 1700 -> 2130 ms)
     4540  -> Listening
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
    2200  judge pause 1
    2430  commit audio
    2430  create response 1
    2430  -> Thinking
    2580  call end_call call_1_1
    2590  answer call_1_1: {"ok":true}
    2590  tool end_call Ok after 10 ms
    2630  User: Thanks, bye.
    2630  store 1 User: Thanks, bye.
    2730  create response 2
    2930  play 2
    2930  -> Speaking
    3400  Assistant: Goodbye.
    3400  store 2 Assistant: Goodbye. [end_call] (430 + 150, 500 -> 930 ms)
    3400  end call: AgentHangup
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
    2200  judge pause 1
    2430  commit audio
    2430  create response 1
    2430  -> Thinking
    2630  User: What plan?
    2630  store 1 User: What plan?
    2630  play 1
    2630  -> Speaking
    3000  synthesise 2: Your ticket was closed.
    4060  Assistant: You are on the Pro plan.
    4060  store 2 Assistant: You are on the Pro plan. (430 + 200 -> 630 ms)
    4060  play 2
    5440  Assistant: Your ticket was closed.
    5440  tell model: Your ticket was closed.
    5440  store 3 Assistant: Your ticket was closed.
    5440  -> Listening
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
fn what_is_on_its_way_to_the_caller_does_not_count_as_heard() {
    assert_snapshot!(transcript(r#"
           0 playout takes 200
           0 call begins
        1000 model says "Once upon a time there was a king."
        1000 model says "Who?"
        1000 caller speaks 1000 "Tell me a story."
        3500 caller speaks 800 "Another one, please."
        7000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2200  judge pause 1
    2430  commit audio
    2430  create response 1
    2430  -> Thinking
    2630  User: Tell me a story.
    2630  store 1 User: Tell me a story.
    2630  play 1
    2630  -> Speaking
    3560  pause
    3560  -> Listening
    3900  recognise sound 1: Another
    4050  recognise sound 2: Another one,
    4120  count Interruption
    4120  stop 1
    4120  truncate item_1 at 730
    4120  Assistant: Once upon a
    4120  store 2 Assistant: Once upon a (interrupted in 60 ms) (430 + 200 -> 630 ms)
    4500  judge pause 2
    4730  commit audio
    4730  create response 2
    4730  -> Thinking
    4930  User: Another one, please.
    4930  store 3 User: Another one, please.
    4930  play 2
    4930  -> Speaking
    5160  Assistant: Who?
    5160  store 4 Assistant: Who? (430 + 200 -> 630 ms)
    5160  -> Listening
    7000  end call: UserHangup
    ");
}

#[test]
fn an_answer_of_which_nothing_was_heard_is_taken_back_everywhere() {
    assert_snapshot!(transcript(r#"
           0 playout takes 600
           0 call begins
        1000 model says "Once upon a time there was a king."
        1000 caller speaks 1000 "Tell me a story."
        2700 caller speaks 800 "Another one, please."
        7000 caller hangs up
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2200  judge pause 1
    2430  commit audio
    2430  create response 1
    2430  -> Thinking
    2630  User: Tell me a story.
    2630  store 1 User: Tell me a story.
    2630  play 1
    2630  -> Speaking
    2760  pause
    2760  -> Listening
    3100  recognise sound 1: Another
    3250  recognise sound 2: Another one,
    3320  count Interruption
    3320  stop 1
    3320  delete item_1
    3700  judge pause 2
    3930  commit audio
    3930  create response 2
    3930  -> Thinking
    4130  User: Another one, please.
    4130  store 3 User: Another one, please.
    4130  play 2
    4130  -> Speaking
    4720  Assistant: All right.
    4720  store 4 Assistant: All right. (430 + 200 -> 630 ms)
    4720  -> Listening
    7000  end call: UserHangup
    ");
}

#[test]
fn a_caller_without_a_microphone_gets_a_hint_before_the_call_ends() {
    assert_snapshot!(transcript(r#"
           0 no microphone
           0 greeting "Hello Ada."
           0 call begins
    "#), @r"
        0  -> Initializing
        0  synthesise 1: Hello Ada.
        0  -> Idle
        0  -> Listening
      100  play 1
      100  -> Speaking
      690  Assistant: Hello Ada.
      690  tell model: Hello Ada.
      690  store 1 Assistant: Hello Ada.
      690  -> Listening
    10690  Trouble(NoMicrophone)
    30690  synthesise 2: I cannot hear you. Please check that your microphone is on.
    30790  play 2
    30790  -> Speaking
    34320  Assistant: I cannot hear you. Please check that your microphone is on.
    34320  tell model: I cannot hear you. Please check that your microphone is on.
    34320  store 2 Assistant: I cannot hear you. Please check that your microphone is on.
    34320  -> Listening
    60690  synthesise 3: I still cannot hear you, so I will hang up now. Please call again when your microphone works. Goodbye.
    60790  play 3
    60790  -> Speaking
    66900  Assistant: I still cannot hear you, so I will hang up now. Please call again when your microphone works. Goodbye.
    66900  tell model: I still cannot hear you, so I will hang up now. Please call again when your microphone works. Goodbye.
    66900  store 3 Assistant: I still cannot hear you, so I will hang up now. Please call again when your microphone works. Goodbye.
    66900  end call: MicrophoneMissing
    ");
}

#[test]
fn a_caller_who_was_asked_for_and_answers_is_not_hung_up_on() {
    assert_snapshot!(transcript(r#"
           0 call begins
       32000 caller speaks 800 "Yes, I am here."
       50000 caller hangs up
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
    30000  synthesise 1: Are you still there?
    30100  play 1
    30100  -> Speaking
    31290  Assistant: Are you still there?
    31290  tell model: Are you still there?
    31290  store 1 Assistant: Are you still there?
    31290  -> Listening
    33000  judge pause 1
    33230  commit audio
    33230  create response 1
    33230  -> Thinking
    33430  User: Yes, I am here.
    33430  store 2 User: Yes, I am here.
    33430  play 2
    33430  -> Speaking
    34020  Assistant: All right.
    34020  store 3 Assistant: All right. (430 + 200 -> 630 ms)
    34020  -> Listening
    50000  end call: UserHangup
    ");
}

#[test]
fn tools_that_are_used_up_end_the_call_after_the_answer() {
    assert_snapshot!(transcript(r#"
           0 call begins
           0 at most 1 tools
        1000 model calls get_account get_account
        1000 model says "You are on Pro."
        1000 caller speaks 1000 "What plan?"
    "#), @r#"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2200  judge pause 1
    2430  commit audio
    2430  create response 1
    2430  -> Thinking
    2580  call get_account call_1_1
    2580  answer call_1_2: {"error":{"code":"limit_reached","message":"no more tools can be used in this call"}}
    2630  User: What plan?
    2630  store 1 User: What plan?
    2630  answer call_1_1: {"ok":true}
    2630  tool get_account Ok after 50 ms
    2730  create response 2
    2930  play 2
    2930  -> Speaking
    3820  Assistant: You are on Pro.
    3820  store 2 Assistant: You are on Pro. [get_account] (430 + 150, 500 -> 930 ms)
    3820  synthesise 3: I cannot look up any more in this call. Please call again if there is more I can do. Goodbye.
    3820  -> Listening
    3920  play 3
    3920  -> Speaking
    9490  Assistant: I cannot look up any more in this call. Please call again if there is more I can do. Goodbye.
    9490  tell model: I cannot look up any more in this call. Please call again if there is more I can do. Goodbye.
    9490  store 3 Assistant: I cannot look up any more in this call. Please call again if there is more I can do. Goodbye.
    9490  end call: ToolLimit
    "#);
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

#[test]
fn silence_and_length_end_the_call_with_a_word() {
    assert_snapshot!(transcript("0 call begins"), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
    30000  synthesise 1: Are you still there?
    30100  play 1
    30100  -> Speaking
    31290  Assistant: Are you still there?
    31290  tell model: Are you still there?
    31290  store 1 Assistant: Are you still there?
    31290  -> Listening
    60000  synthesise 2: I have not heard anything for a while, so I will hang up now. Goodbye.
    60100  play 2
    60100  -> Speaking
    64290  Assistant: I have not heard anything for a while, so I will hang up now. Goodbye.
    64290  tell model: I have not heard anything for a while, so I will hang up now. Goodbye.
    64290  store 2 Assistant: I have not heard anything for a while, so I will hang up now. Goodbye.
    64290  end call: Silence
    ");
}

#[test]
fn the_longest_call_ends_with_a_word() {
    let mut script = String::from("0 call begins\n");
    for turn in 1..60 {
        script += &format!("{} caller speaks 1000 \"Go on.\"\n", turn * 40_000);
    }
    // The warning does not talk over the caller.
    script += "1739500 caller speaks 2000 \"And then?\"\n";
    let written = transcript(&script);
    let time = |line: &str| {
        line.split_whitespace()
            .next()
            .and_then(|at| at.parse().ok())
    };
    let end = written
        .lines()
        .skip_while(|line| time(line) < Some(1_739_000_u64));
    let end: Vec<&str> = end.filter(|line| !line.contains("judge")).collect();
    assert_snapshot!(end.join("\n"), @r"
    1740000  synthesise 87: Just so you know, this call has to end in about a minute.
    1741930  commit audio
    1741930  create response 44
    1741930  -> Thinking
    1742130  User: And then?
    1742130  store 130 User: And then?
    1742130  play 88
    1742130  -> Speaking
    1742720  Assistant: All right.
    1742720  store 131 Assistant: All right. (430 + 200 -> 630 ms)
    1742720  play 87
    1746140  Assistant: Just so you know, this call has to end in about a minute.
    1746140  tell model: Just so you know, this call has to end in about a minute.
    1746140  store 132 Assistant: Just so you know, this call has to end in about a minute.
    1746140  -> Listening
    1761430  commit audio
    1761430  create response 45
    1761430  -> Thinking
    1761630  User: Go on.
    1761630  store 133 User: Go on.
    1761630  play 89
    1761630  -> Speaking
    1762220  Assistant: All right.
    1762220  store 134 Assistant: All right. (430 + 200 -> 630 ms)
    1762220  -> Listening
    1792220  synthesise 90: Are you still there?
    1792320  play 90
    1792320  -> Speaking
    1793510  Assistant: Are you still there?
    1793510  tell model: Are you still there?
    1793510  store 135 Assistant: Are you still there?
    1793510  -> Listening
    1800000  synthesise 91: We have reached the longest time a call may last. Goodbye.
    1800100  play 91
    1800100  -> Speaking
    1801200  clear audio
    1803570  Assistant: We have reached the longest time a call may last. Goodbye.
    1803570  tell model: We have reached the longest time a call may last. Goodbye.
    1803570  store 136 Assistant: We have reached the longest time a call may last. Goodbye.
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

#[test]
fn a_message_is_answered_by_voice() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 model says "You are on the Pro plan."
        1000 message "What plan am I on?"
        6000 operator ends
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    1000  User: What plan am I on?
    1000  store 1 User: What plan am I on?
    1000  create response 1
    1000  -> Thinking
    1200  play 1
    1200  -> Speaking
    2630  Assistant: You are on the Pro plan.
    2630  store 2 Assistant: You are on the Pro plan. (0 + 200 -> 200 ms)
    2630  -> Listening
    6000  end call: Operator
    ");
}

#[test]
fn a_message_takes_the_floor() {
    assert_snapshot!(transcript(r#"
           0 call begins
           0 model says "There is a great deal to say about that and more to come."
           0 caller speaks 1000 "Tell me everything."
        2500 model says "You are on the Pro plan."
        2500 message "Only my plan, please."
        8000 operator ends
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    1200  judge pause 1
    1430  commit audio
    1430  create response 1
    1430  -> Thinking
    1630  User: Tell me everything.
    1630  store 1 User: Tell me everything.
    1630  play 1
    1630  -> Speaking
    2500  count Interruption
    2500  stop 1
    2500  truncate item_1 at 780
    2500  Assistant: There is a
    2500  store 2 Assistant: There is a (interrupted) (430 + 200 -> 630 ms)
    2500  User: Only my plan, please.
    2500  store 3 User: Only my plan, please.
    2500  create response 2
    2500  -> Thinking
    2700  play 2
    2700  -> Speaking
    4130  Assistant: You are on the Pro plan.
    4130  store 4 Assistant: You are on the Pro plan. (0 + 200 -> 200 ms)
    4130  -> Listening
    8000  end call: Operator
    ");
}

#[test]
fn a_message_while_the_caller_speaks_is_answered_with_what_they_say() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 caller speaks 2000 "What does it cost?"
        2000 message "I mean the Pro plan."
        9000 operator ends
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    2000  User: I mean the Pro plan.
    2000  store 1 User: I mean the Pro plan.
    3200  judge pause 1
    3430  commit audio
    3430  create response 1
    3430  -> Thinking
    3630  User: What does it cost?
    3630  store 2 User: What does it cost?
    3630  play 1
    3630  -> Speaking
    4220  Assistant: All right.
    4220  store 3 Assistant: All right. (430 + 200 -> 630 ms)
    4220  -> Listening
    9000  end call: Operator
    ");
}

#[test]
fn a_message_while_the_provider_is_away_waits_for_it() {
    assert_snapshot!(transcript(r#"
           0 call begins
        1000 provider is lost
        1500 message "What plan am I on?"
        2500 provider connects
        8000 operator ends
    "#), @r"
       0  -> Initializing
       0  -> Idle
       0  -> Listening
    1500  User: What plan am I on?
    1500  store 1 User: What plan am I on?
    1500  -> Thinking
    1750  synthesise 2: Please hold on, I am reconnecting.
    1850  play 2
    1850  -> Speaking
    2500  create response 1
    3880  Assistant: Please hold on, I am reconnecting.
    3880  store 2 Assistant: Please hold on, I am reconnecting.
    3880  play 1
    4480  Assistant: All right.
    4480  store 3 Assistant: All right. (0 + 1200 -> 2390 ms)
    4480  -> Listening
    8000  end call: Operator
    ");
}

#[test]
fn a_message_during_a_cough_over_the_answer_is_answered() {
    assert_snapshot!(transcript(r#"
           0 greeting "Hello Ada."
           0 call begins
        4000 model says "There is a great deal to say about that and more to come."
        4000 caller speaks 1000 "Tell me everything."
        6500 caller speaks 200 ""
        6600 message "Only my plan, please."
       12000 operator ends
    "#), @r"
        0  -> Initializing
        0  synthesise 1: Hello Ada.
        0  -> Idle
        0  -> Listening
      100  play 1
      100  -> Speaking
      690  Assistant: Hello Ada.
      690  tell model: Hello Ada.
      690  store 1 Assistant: Hello Ada.
      690  -> Listening
     5200  judge pause 1
     5430  commit audio
     5430  create response 1
     5430  -> Thinking
     5630  User: Tell me everything.
     5630  store 2 User: Tell me everything.
     5630  play 2
     5630  -> Speaking
     6560  pause
     6560  -> Listening
     6600  count Interruption
     6600  stop 2
     6600  truncate item_1 at 930
     6600  Assistant: There is a
     6600  store 3 Assistant: There is a (interrupted in 60 ms) (430 + 200 -> 630 ms)
     6600  User: Only my plan, please.
     6600  store 4 User: Only my plan, please.
     6900  judge pause 2
     7130  commit audio
     7130  create response 2
     7130  -> Thinking
     7330  User: 
     7330  store 5 User: 
     7330  play 3
     7330  -> Speaking
     7920  Assistant: All right.
     7920  store 6 Assistant: All right. (430 + 200 -> 630 ms)
     7920  -> Listening
    12000  end call: Operator
    ");
}

#[test]
fn a_tool_is_told_in_which_turn_it_is_called_and_one_without_an_answer_before_is_no_new_one() {
    assert_snapshot!(transcript(r#"
           0 call begins
           0 tool a takes 100
           0 tool b takes 100
        1000 model calls a
        1000 model hangs
        1000 caller speaks 1000 "Call me Grace."
        1000 model calls b
        1000 model says "Grace?"
        2900 caller speaks 1000 "Please do that."
        1000 model calls b
        1000 model says "Done."
        8000 caller speaks 1000 "Yes, that is right."
       12000 caller hangs up
    "#), @r#"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2200  judge pause 1
     2430  commit audio
     2430  create response 1
     2430  -> Thinking
     2580  call a call_1_1
     2630  User: Call me Grace.
     2630  store 1 User: Call me Grace.
     2680  answer call_1_1: {"ok":true}
     2680  tool a Ok after 100 ms
     2730  create response 2
     2960  -> Listening
     3300  recognise sound 1: Please
     3450  recognise sound 2: Please
     3520  count Interruption
     4100  judge pause 2
     4440  commit audio
     4440  -> Thinking
     4640  User: Please do that.
     4640  store 2 User: Please do that.
     6730  create response 3
     6880  call b call_3_1
     6980  answer call_3_1: {"ok":true}
     6980  tool b Ok after 100 ms
     7030  create response 4
     7230  play 4
     7230  -> Speaking
     7580  Assistant: Grace?
     7580  store 3 Assistant: Grace? [b] (540 + 2440, 2790 -> 3330 ms)
     7580  -> Listening
     9200  judge pause 3
     9540  commit audio
     9540  create response 5
     9540  -> Thinking
     9690  call b call_5_1 in turn 2
     9740  User: Yes, that is right.
     9740  store 4 User: Yes, that is right.
     9790  answer call_5_1: {"ok":true}
     9790  tool b Ok after 100 ms
     9840  create response 6
    10040  play 6
    10040  -> Speaking
    10330  Assistant: Done.
    10330  store 5 Assistant: Done. [b] (540 + 150, 500 -> 1040 ms)
    10330  -> Listening
    12000  end call: UserHangup
    "#);
}

#[test]
fn a_call_that_is_handed_over_goes_on_and_is_handed_over_even_if_the_caller_speaks_on() {
    assert_snapshot!(transcript(r#"
           0 call begins
           0 tool person takes 2000 handing over
        1000 model calls person
        1000 caller speaks 1000 "I want to speak to a person."
        1000 model says "Somebody will get in touch."
        2700 caller speaks 1500 "No wait, I want a refund."
       12000 caller hangs up
    "#), @r#"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     2200  judge pause 1
     2430  commit audio
     2430  create response 1
     2430  -> Thinking
     2580  call person call_1_1
     2630  User: I want to speak to a person.
     2630  store 1 User: I want to speak to a person.
     2760  -> Listening
     3100  recognise sound 1: No
     3250  recognise sound 2: No wait,
     3320  count Interruption
     4400  judge pause 2
     4580  answer call_1_1: {"ok":true}
     4580  tool person Ok after 2000 ms
     4580  hand over: asked for it
     4700  commit audio
     4700  create response 2
     4700  -> Thinking
     4900  User: No wait, I want a refund.
     4900  store 2 User: No wait, I want a refund.
     4900  play 2
     4900  -> Speaking
     6510  Assistant: Somebody will get in touch.
     6510  store 3 Assistant: Somebody will get in touch. (500 + 200 -> 700 ms)
     6510  -> Listening
    12000  end call: UserHangup
    "#);
}
