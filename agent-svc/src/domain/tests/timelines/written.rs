//! What is written: texts to say, and turns of the caller.

use insta::assert_snapshot;

use super::transcript;

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
