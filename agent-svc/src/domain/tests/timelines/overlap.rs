//! Sounds of the caller over the assistant, and what of it counts as heard.

use insta::assert_snapshot;

use super::{over_a_story, transcript};

#[test]
fn barge_in_stops_playback_and_keeps_only_what_was_heard() {
    assert_snapshot!(over_a_story("Once upon a time there was a king who had three daughters.", r#"
        4000 caller speaks 800 "Another one."
        4000 model says "Fine."
        9000 caller hangs up
    "#), @r"
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
    assert_snapshot!(over_a_story("Once upon a time there was a king.", r#"
        3500 caller speaks 150 ""
        9000 caller hangs up
    "#), @r"
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
    assert_snapshot!(over_a_story("Once upon a time there was a king who had three daughters.", r#"
        4000 caller speaks 400 "Okay."
        5500 caller speaks 650 "Yeah, right."
       12000 caller hangs up
    "#), @r"
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
    assert_snapshot!(over_a_story("Once upon a time there was a king who had three daughters.", r#"
        4000 caller speaks 350 "Stop."
        4000 model says "All right."
       12000 caller hangs up
    "#), @r"
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
fn a_nod_whose_end_nobody_understands_is_one_however_long() {
    assert_snapshot!(over_a_story("Once upon a time there was a king who had three daughters.", r#"
        4000 caller murmurs 1200 "Yeah lumber ken."
       12000 caller hangs up
    "#), @r"
     4060  pause
     4060  -> Listening
     4400  recognise sound 1: Yeah
     4550  recognise sound 2: Yeah
     4700  recognise sound 3: Yeah
     4850  recognise sound 4: Yeah lumber
     5000  recognise sound 5: Yeah lumber
     5150  recognise sound 6: Yeah lumber
     5300  recognise sound 7: Yeah lumber ken.
     5400  clear audio
     5400  count FalseInterruption
     5400  resume
     5400  -> Speaking
     7440  Assistant: Once upon a time there was a king who had three daughters.
     7440  store 2 Assistant: Once upon a time there was a king who had three daughters. (430 + 200 -> 630 ms)
     7440  -> Listening
    12000  end call: UserHangup
    ");
}

#[test]
fn a_murmur_that_nobody_understands_is_an_interruption_only_if_it_lasts() {
    assert_snapshot!(over_a_story("Once upon a time there was a king who had three daughters.", r#"
        4000 caller murmurs 600 "Emil."
        6000 caller murmurs 900 "Give one."
       12000 caller hangs up
    "#), @r"
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
    assert_snapshot!(over_a_story("Once upon a time there was a king who had three daughters.", r#"
        4000 caller speaks 2000 "Yeah yeah but what about her?"
        4000 model says "Who?"
       12000 caller hangs up
    "#), @r"
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
